"""Figures of many encoders: one set for each, and the rows of the data set in all of them."""

import numpy as np
import pytest

from ib_analysis.experiment import ENCODERS_A_FIGURE, load_experiment
from ib_analysis.figures.information.series import Panel
from ib_analysis.figures.training_curves import TrainingRun
from ib_analysis.information.inference.network_stages import Curves, network_stages
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import Tap, stages_rows
from ib_analysis.stages.plot_figures import DeepTaps, of_networks, rows_of
from ib_analysis.units import bits

KINDS = (
    "information_plane",
    "plane_frames",
    "information_curves",
    "tap_curves",
    "training_curves",
    "two_stages",
)
NAMES = ("wide", "deep-net")


def row(quantity, nats, encoder="", epoch=None):
    return InformationRow(
        encoder=encoder, regime="classifier" if encoder else "", seed=0 if encoder else None, epoch=epoch,
        tap="h1" if encoder else "", quantity=quantity, nats=nats, bits=bits(nats), bits_per_dim=None,
        stderr_bits=0.1, stderr_images_bits=0.1, stderr_fits_bits=None, low_bits=bits(nats) - 0.2,
        high_bits=bits(nats) + 0.2, interval="images", n_fits=1, bound="none", n_images=400, method="difference",
    )  # fmt: skip


@pytest.fixture
def measured():
    rows = [row("CE(x)", 80.0), row("H(y)", 2.3)]
    for encoder in NAMES:
        rows += [row("I(x;h)", 10.0 + epoch, encoder, epoch) for epoch in (0, 5)]
        rows += [row("I(y;h)", 1.0 + epoch / 10, encoder, epoch) for epoch in (0, 5)]
    rng = np.random.default_rng(0)
    curves = Curves((0, 5), (rng.normal(10, 5, (2, 2, 400)),))
    taps = [Tap(name, "classifier", "h1", Quantity.IMAGE_INFORMATION) for name in NAMES]
    stages = stages_rows(network_stages(dict.fromkeys(taps, curves)), 400)
    curve = [
        {
            "epoch": e, "learning_rate": 0.1, "loss": 2.0 / (1 + e), "metric": "accuracy", "seconds": 1.0,
            "encoder_part": 0.5, "held_out_part": 0.4,
        }
        for e in range(6)
    ]  # fmt: skip
    runs = [TrainingRun(Panel(name, "classifier"), 0, curve, (0, 5)) for name in NAMES]
    return rows, stages, runs


def titles(figure):
    return " ".join(axes.get_title(loc="left") + axes.get_title() for axes in figure.axes)


def test_few_encoders_share_their_figures(measured):
    figures = dict(of_networks(*measured, ()))
    assert tuple(figures) == KINDS
    for figure, _ in figures.values():
        assert all(name in titles(figure) for name in NAMES)


def test_each_of_many_encoders_has_its_own(measured):
    figures = dict(of_networks(*measured, NAMES))
    assert tuple(figures) == tuple(f"{kind}-{name}" for name in NAMES for kind in KINDS)
    for name, other in (NAMES, NAMES[::-1]):
        for kind in KINDS:
            figure, _ = figures[f"{kind}-{name}"]
            assert name in titles(figure)
            assert other not in titles(figure)
        plane, _ = figures[f"information_plane-{name}"]
        written = [text.get_text() for axes in plane.axes for text in axes.texts]
        assert any(words.startswith("H(y)") for words in written)


def test_the_plane_of_deep_taps_leaves_out_other_taps_and_other_encoders(measured):
    rows = measured[0]
    early = [one.model_copy(update={"tap": "h0"}) for one in rows if one.encoder]
    found = rows_of(DeepTaps(encoder="wide", taps=("h1", "h2")), [*early, *rows])
    assert found == [one for one in rows if one.encoder in ("", "wide")]


def test_from_how_many_encoders_on():
    net = {
        "architecture": {"kind": "resnet", "blocks": [1], "widths": [4]},
        "regimes": {"classifier": {"epochs": 1}},
        "epochs": [0, 1],
        "taps": ["h1"],
    }
    config = {
        "name": "many",
        "dataset": {"kind": "digits"},
        "decoders": {"image_fit": {"steps": 1}, "label_fit": {"steps": 1}},
    }
    names = [f"net{i}" for i in range(ENCODERS_A_FIGURE + 1)]
    few = load_experiment(config | {"encoders": dict.fromkeys(names[:-1], net)})
    many = load_experiment(config | {"encoders": dict.fromkeys(names, net)})
    assert few.plot_figures() == {"apart": []}
    assert many.plot_figures() == {"apart": names}
