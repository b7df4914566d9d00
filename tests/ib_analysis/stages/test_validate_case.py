"""Steps in equal number for every case; a density of h that may ignore it, with weights of held-out images alone."""

import math

import numpy as np
import pytest
import torch

from decoders.spec import FitSpec
from decoders.training.batches import divide
from ib_analysis.channels.cases import Case, Sizes, validation_case
from ib_analysis.information.tables.validation import ValidationRow
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows
from ib_analysis.spec import Described
from ib_analysis.stages import validate_case
from ib_analysis.stages.validate_case import Spec, _sized, run
from ib_analysis.units import nats

NAME = "factors-8-class"
FITTING, EVALUATION = 400, 90
IMAGE_FIT, LABEL_FIT = FitSpec(steps=2, holdout=0.2), FitSpec(steps=2, holdout=0.3)
MARGINAL = 60.0
NOTHING = Described(implementation="none:None", spec={})


@pytest.mark.parametrize(("side", "batch"), [(8, 32), (16, 16), (32, 8)])
def test_a_batch_shrinks_with_the_side_of_the_image(side, batch):
    fit = FitSpec(steps=10, batch_size=32)
    assert _sized(fit, side) == fit.model_copy(update={"batch_size": batch})


def test_a_batch_has_an_image_at_least():
    assert _sized(FitSpec(steps=10, batch_size=2), 32).batch_size == 1


class _Fitted(torch.nn.Module):
    """Stands for a fitted decoder: it knows its name alone."""

    def __init__(self, name):
        super().__init__()
        self.name = name


def kind_of(pairs, rows, holdout):
    """Which kind of images is asked for, by the number of pairs and the rows of the division."""
    if len(pairs) == EVALUATION:
        return "evaluation"
    fitted, held = divide(FITTING, holdout)
    return "holdout" if set(rows) <= set(held) else "fitted" if set(rows) <= set(fitted) else "mixed"


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """The rows of a case whose decoder of h gains so many nats of each kind of images, its classifier being `sure`."""

    def rows_of(gains, sure):
        def nats_per_example(decoder, pairs, device, *, rows):
            gain = gains[kind_of(pairs, rows, IMAGE_FIT.holdout)] if decoder.name == "image" else 0.0
            assert (pairs.h is not None) == (decoder.name == "image")
            return np.full(len(rows), MARGINAL - gain) + np.random.default_rng(0).normal(0.0, 0.01, len(rows))

        def class_log_probabilities(decoder, pairs, device, *, rows):
            assert decoder.name == "label"
            own = pairs.target[torch.from_numpy(rows)].numpy()[:, None] == np.arange(4)
            right = sure[kind_of(pairs, rows, LABEL_FIT.holdout)]
            return np.log(np.where(own, right, (1.0 - right) / 3))

        monkeypatch.setattr(validate_case, "nats_per_example", nats_per_example)
        monkeypatch.setattr(validate_case, "class_log_probabilities", class_log_probabilities)
        monkeypatch.setattr(validate_case, "fit_or_reuse", lambda piece, *_: tmp_path / piece.name)
        monkeypatch.setattr(validate_case, "load_decoder", lambda path: _Fitted(path.parent.name))
        monkeypatch.setattr(Case, "sizes", Sizes(FITTING, EVALUATION))
        slice_ = Spec(
            case=NAME, made_of=(), decoder=NOTHING, pretrained_fit=IMAGE_FIT, image_fit=IMAGE_FIT, label=NOTHING,
            label_fit=LABEL_FIT, baselines={}, images=50, seed=0,
        )  # fmt: skip
        run(
            slice_,
            Job("validate_case", slice_.model_dump(mode="json"), "code", "cpu", 1),
            scratch=tmp_path,
            out=tmp_path / "case.csv",
        )
        found = read_rows(tmp_path / "case.csv", ValidationRow)
        return {(str(row.quantity), row.method): row for row in found}

    return rows_of


SURE = {"evaluation": 0.5, "holdout": 0.6, "fitted": 0.9}


def test_a_decoder_that_reads_nothing_of_held_out_images_is_ignored_and_its_raw_value_stands_beside(measured):
    row = measured({"evaluation": -2.0, "holdout": -2.0, "fitted": 9.0}, SURE)["I(x;h)", "decoders"]
    assert nats(row.raw_bits) == pytest.approx(-2.0, abs=0.02)
    assert nats(row.estimate_bits) == pytest.approx(
        math.log(1 - row.weight + row.weight * math.exp(-2)), abs=0.02
    )
    assert row.weight < 0.02
    assert abs(row.estimate_bits) < 0.05
    learned_by_heart = math.log(1 - row.weight + row.weight * math.exp(9.0))
    assert nats(row.fitted_bits) == pytest.approx(learned_by_heart, abs=0.02)


def test_held_out_images_alone_choose_the_weights(measured):
    row = measured({"evaluation": -2.0, "holdout": 5.0, "fitted": -9.0}, SURE)["I(x;h)", "decoders"]
    assert row.weight > 0.98
    assert nats(row.estimate_bits) == pytest.approx(-2.0, abs=0.1)


def test_the_known_entropy_is_compared_with_the_same_density(measured):
    rows = measured({"evaluation": -2.0, "holdout": -2.0, "fitted": -2.0}, SURE)
    entropy = validation_case(NAME).entropy.nats
    below = nats(rows["I(x;h)", "decoders, H(x) known"].estimate_bits)
    assert below == pytest.approx(entropy - MARGINAL, abs=0.05)


def test_labels_are_read_of_new_images_and_of_those_that_their_own_fit_saw(measured):
    row = measured(dict.fromkeys(("evaluation", "holdout", "fitted"), 1.0), SURE)["I(y;h)", "decoders"]
    assert nats(row.fitted_bits - row.estimate_bits) == pytest.approx(math.log(0.9 / 0.5))
    assert (row.raw_bits, row.weight) == (pytest.approx(row.estimate_bits), 1.0)


def test_a_case_by_itself_has_a_family_and_no_interval(measured):
    for row in measured(dict.fromkeys(("evaluation", "holdout", "fitted"), 1.0), SURE).values():
        assert row.family == "Factors"
        assert (row.low_bits, row.high_bits, row.inside) == (None, None, None)
