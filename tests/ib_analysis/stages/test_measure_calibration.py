"""Rungs are fitted with the recipe of the points, read like the points, and their truths are counted."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from decoders.categorical import CategoricalDensity
from decoders.training.batches import divide
from ib_analysis.__main__ import main
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.measurement.rung_evaluation import read_rung_evaluation
from ib_analysis.provenance import Job
from ib_analysis.stages import measure_calibration
from ib_analysis.units import bits

HOLDOUT = 0.25
IMAGE, LABEL = ({"implementation": name, "spec": {}} for name in ("decoders.pixelcnn_pp.decoder:PixelCNNPP",
                                                                  "decoders.categorical:Categorical"))  # fmt: skip
SLICE = {
    "variant": "measurement", "k_means": [2, 4], "noise_units": 3, "signs": [2], "rotations": 3, "seed": 0, "epoch": 7,
    "tap": "h", "architecture": IMAGE, "precision": "float32", "image": IMAGE, "image_fit": {"steps": 11},
    "label": LABEL, "label_fit": {"steps": 22}, "holdout": HOLDOUT,
}  # fmt: skip
LARGE = 4096.0


class Encoder(torch.nn.Module):
    taps = (SimpleNamespace(name="h", shape=(2,)),)

    def activations(self, x, names):
        flat = x.float().flatten(1)
        return {"h": torch.stack([flat.sum(1) + LARGE, flat[:, 20]], 1)}


class ReadsH(torch.nn.Module):
    """Of an image the nats are the first unit of h plus the sum of the image; of a label, class y has h[y % units]."""

    bytes_per_example = 1

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, h):
        if self.name.endswith("labels"):
            return CategoricalDensity(20.0 * h[:, torch.arange(10) % h.shape[1]])
        return SimpleNamespace(log_prob=lambda x: -(h[:, 0] + x.float().flatten(1).sum(1)))


@pytest.fixture
def dataset(prepared_digits):
    return prepared_digits(360)


@pytest.fixture
def measured(dataset, tmp_path, monkeypatch):
    """The rungs of one group by name, and the pieces that were fitted for them."""
    pieces = []

    def fit(piece, scratch, device):
        pieces.append(piece)
        return tmp_path / piece.name

    monkeypatch.setattr(measure_calibration, "fit_or_reuse", fit)
    monkeypatch.setattr(measure_calibration, "load_decoder", lambda path: ReadsH(path.parent.name))
    monkeypatch.setattr(
        measure_calibration, "load_checkpoint", lambda path: SimpleNamespace(encoder=Encoder())
    )
    nothing, pretrained = tmp_path / "nothing", tmp_path / "pretrained"
    for folder in (nothing, pretrained):
        folder.mkdir()
        Job("test", {"variant": "measurement"}, "0", "cpu", 1).record(folder)

    def run(group, **changed):
        out = tmp_path / f"{group}.npz"
        given = ["--dataset", dataset / "header.json", "--checkpoints", nothing, "--pretrained", pretrained,
                 "--scratch", tmp_path / "scratch", "--out", out]  # fmt: skip
        spec = json.dumps(SLICE | {"group": group} | changed)
        assert main(["measure_calibration", "--spec", spec, "--device", "cpu", *map(str, given)]) == 0
        found = read_rung_evaluation(out)
        assert found.variant == "measurement"
        return {rung.name: rung for rung in found.rungs}, pieces

    return run


def test_the_decoders_of_all_rungs_of_a_group_may_be_fitted_side_by_side(measured, monkeypatch):
    offered = []
    monkeypatch.setattr(
        measure_calibration, "fit_stacks", lambda pieces, scratch, device: offered.extend(pieces)
    )
    _, pieces = measured("k-means")
    assert [(piece.name, piece.facts) for piece in offered] == [(piece.name, piece.facts) for piece in pieces]


def sums(images):
    return np.asarray(images).reshape(len(images), -1).astype(np.float64).sum(axis=1)


def test_a_rung_is_fitted_by_the_recipe_of_the_points_from_the_pretrained_decoder(measured, tmp_path):
    rungs, pieces = measured("k-means")
    assert list(rungs) == ["k-means-2", "k-means-4"]
    assert [piece.name for piece in pieces] == [
        f"{rung}.{what}" for rung in rungs for what in ("images", "labels")
    ]
    assert [piece.fit.steps for piece in pieces] == [11, 22] * 2
    assert [piece.start and piece.start.parent for piece in pieces] == [tmp_path / "pretrained", None] * 2
    assert [piece.context for piece in pieces] == [(2,), (2,), (4,), (4,)]
    assert len({piece.facts["h"] for piece in pieces}) == 2


def test_a_rung_reads_evaluation_held_out_and_fitted_images_with_their_own_codes(measured, dataset):
    rungs, pieces = measured("k-means")
    data = open_dataset(dataset)
    (decoder, h) = pieces[0].pairs.batch(np.arange(len(data.decoder)))
    own = h[:, 0].numpy() + sums(decoder.numpy())
    fitted, held = divide(len(own), HOLDOUT)
    nats = rungs["k-means-2"].nats.image
    assert np.array_equal(nats.holdout, own[held])
    assert np.array_equal(nats.fitted, own[np.sort(fitted)])
    told = nats.evaluation - sums(data.evaluation.images)
    assert set(told) == {0.0, 1.0}


def test_the_label_of_an_image_is_read_from_the_code_of_its_own_label(measured, dataset):
    rungs, _ = measured("label")
    rung, evaluation = rungs["label"], open_dataset(dataset).evaluation
    assert (rung.nats.label.evaluation < 1e-6).all()
    assert np.array_equal(rung.nats.classes.evaluation.argmax(axis=1), np.asarray(evaluation.labels))


def test_the_truth_of_a_code_is_its_entropy_and_what_it_shares_with_the_label(measured):
    label = measured("label")[0]["label"]
    assert bits(label.image_truth.nats) == pytest.approx(np.log2(10), abs=0.05)
    assert label.label_truth.nats == pytest.approx(label.image_truth.nats)
    two = measured("k-means")[0]["k-means-2"]
    assert 0.5 < bits(two.image_truth.nats) <= 1.01
    assert 0.0 < two.label_truth.nats < two.image_truth.nats
    assert two.image_truth.kind == two.label_truth.kind == "exact"


def test_rotations_are_equal_and_those_of_another_image_have_their_own_truths(measured):
    rungs, _ = measured("rotations")
    assert list(rungs) == ["rotation-1", "rotation-2", "rotation-3"]
    assert {(rung.image_truth.kind, rung.label_truth.kind) for rung in rungs.values()} == {("equal", "equal")}
    others, _ = measured("others")
    assert others["same-class"].image_truth.kind == "ceiling"
    assert bits(others["same-class"].image_truth.nats) == pytest.approx(np.log2(10), abs=0.05)
    assert others["same-class"].label_truth is None
    shuffled = others["shuffled"]
    assert (shuffled.image_truth.kind, shuffled.image_truth.nats, shuffled.label_truth.nats) == (
        "exact",
        0.0,
        0.0,
    )


def test_another_image_gives_its_h_within_the_class_or_from_anywhere(measured, dataset):
    rungs, _ = measured("others")
    part = open_dataset(dataset).evaluation
    own, labels = sums(part.images), np.asarray(part.labels)
    told = {name: rung.nats.image.evaluation - own - LARGE for name, rung in rungs.items()}
    for of_class in range(10):
        mine = labels == of_class
        assert sorted(told["same-class"][mine]) == sorted(own[mine])
    assert sorted(told["shuffled"]) == sorted(own)
    assert (told["same-class"] != own).mean() > 0.8


def test_h_of_another_image_has_the_precision_of_the_points(measured, dataset):
    rungs, _ = measured("others", precision="float16")
    own = sums(open_dataset(dataset).evaluation.images)
    told = rungs["shuffled"].nats.image.evaluation - own
    assert sorted(told) == sorted((own + LARGE).astype(np.float16).astype(np.float64))
