"""A whole report of a small study, with names that would break careless HTML or LaTeX."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ib_analysis.datasets.dataset import Header
from ib_analysis.figures.samples import Samples
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.point import Network
from ib_analysis.report.content import (
    DecoderSummary,
    EncoderSummary,
    FitSummary,
    Illustration,
    Provenance,
    ReportContent,
    Sheet,
)

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>'
TAPS, EPOCHS = ("h1", "logits"), (0, 10)


def information_row(quantity, bits, stderr=0.0, bound="none", **place):
    empty = {"encoder": "", "regime": "", "seed": None, "epoch": None, "tap": ""}
    per_dim = bits / 64 if "x" in quantity else None
    return InformationRow(
        **(empty | place), quantity=quantity, nats=bits * math.log(2), bits=bits, bits_per_dim=per_dim,
        stderr_bits=stderr, stderr_images_bits=stderr, stderr_fits_bits=None, low_bits=bits - 2 * stderr,
        high_bits=bits + 2 * stderr, interval="exact" if bound == "exact" else "images", n_fits=1, bound=bound,
        n_images=599, method="closed form" if bound == "exact" else "pixelcnn_pp",
    )  # fmt: skip


def place(epoch, tap, regime="classifier"):
    return {"encoder": "net", "regime": regime, "seed": 0, "epoch": epoch, "tap": tap}


def information_rows():
    rows = [information_row("H(y)", 3.3219, bound="exact"), information_row("CE(x)", 118.43, 0.71, "upper")]
    for regime in ("classifier", "autoencoder"):
        for i, epoch in enumerate(EPOCHS):
            for depth, tap in enumerate(TAPS):
                x, y = 91.17 - 30 * depth - 5.5 * i, 1.24 + 0.6 * i
                rows += [
                    information_row("CE(x|h)", 118.43 - x, 0.52, "upper", **place(epoch, tap, regime)),
                    information_row("I(x;h)", x, 0.83, **place(epoch, tap, regime)),
                    information_row("CE(y|h)", 3.3219 - y, 0.031, "upper", **place(epoch, tap, regime)),
                    information_row("I(y;h)", y, 0.042, "lower", **place(epoch, tap, regime)),
                ]
    return tuple(rows)


def stages_row(regime, tap, fitting, compression, quantity="I(x;h)", networks=1):
    return StagesRow(
        encoder="net", regime=regime, tap=tap, quantity=quantity, networks=networks, n_fits=2,
        scope=f"{networks} networks" if networks > 1 else "this network, these fits", first_epoch=0,
        peak_epoch=1, last_epoch=10, peak_bits=91.17, fitting_bits=2.31, fitting_stderr_bits=0.44,
        fitting_verdict=fitting,
        fitting_low_bits=1.4, fitting_high_bits=3.2, fitting_p=1e-7, fitting_p_holm=4e-7,
        fitting_spread_bits=0.21, fitting_margin_bits=0.91,
        compression_bits=5.52 if tap == "h1" else 7.77, compression_stderr_bits=0.61, compression_verdict=compression,
        compression_low_bits=4.2, compression_high_bits=9.0, compression_p=1e-12, compression_p_holm=8e-12,
        compression_spread_bits=0.21, compression_margin_bits=0.91,
        n_images=599,
    )  # fmt: skip


def fit_summary(target="image", near=True, epoch=0, tap="h1", regime="classifier"):
    return FitSummary(
        point=Network("net", regime, 0).at(epoch, tap), target=target, decoder_seed=0, steps=600, stopped="budget",
        near_plateau=near, best_step=590, holdout_nats=40.0,
        holdout_stderr_nats=0.5, late_gain_nats=0.3, late_gain_stderr_nats=0.1, seconds=29.4,
    )  # fmt: skip


def header():
    return Header(
        name="digits", channels=1, height=8, width=8, levels=17, class_names=tuple("0123456789"),
        counts={"encoder": 601, "decoder": 602, "evaluation": 599}, duplicates_dropped=3, fingerprint="3f9ab2c0" * 8,
    )  # fmt: skip


@pytest.fixture
def rows():
    return information_rows()


@pytest.fixture
def stages():
    return (
        stages_row("classifier", "h1", "no", "yes"),
        stages_row("classifier", "logits", "yes", "yes"),
        stages_row("classifier", "logits", "yes", "undecided", "I(y;h)"),
        stages_row("autoencoder", "h1", "no", "undecided"),
    )


@pytest.fixture
def fits():
    marginal = replace(fit_summary(), point=None, holdout_nats=82.0)
    return (marginal, fit_summary(), fit_summary(near=False, epoch=10, tap="logits"), fit_summary("label"))


@pytest.fixture
def content(rows, stages, fits, tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    for name in ("plane", "sheet"):
        (folder / f"{name}.svg").write_text(SVG)
    return ReportContent(
        title="Fish & <chips>",
        experiment="demo",
        dataset=header(),
        encoders=(
            EncoderSummary(
                "net", "classifier", "blocks 1, 1", "40 epochs of SGD", (0,), EPOCHS, TAPS, "97.3 % held out"
            ),
        ),
        decoders=(DecoderSummary("p(x|h)", "16 filters, 1 layer", "600 steps of 48 images"),),
        rows=rows,
        stages=stages,
        fits=fits,
        figures=(Illustration("Information plane", folder / "plane", "Where <each> tap lies. n = 599."),),
        samples=(
            Sheet(
                "Samples of h1",
                folder / "sheet",
                "Rows are epochs.",
                "net, classifier, seed 0",
                tuple(Network("net", "classifier", 0).at(epoch, "h1") for epoch in EPOCHS),
            ),
        ),
        provenance=(Provenance("decoders/net", "fit_decoders", "0123456789abcdef", "cpu", 120.46),),
        versions={"torch": "2.6.1", "numpy": "2.0.2"},
        seeds={"split": "4711"},
    )


@pytest.fixture
def drawn():
    """Samples of every point: four originals, two draws of each, no two images alike."""
    rng = np.random.default_rng(0)

    def images(*shape):
        return rng.integers(0, 17, (*shape, 1, 8, 8)).astype(np.uint8)

    networks = [Network("net", regime, 0) for regime in ("classifier", "autoencoder")]
    originals = images(4)
    return tuple(
        Samples(network, 17, np.arange(4), originals, ("0", "1", "2", "0"),
                {network.at(epoch, tap): images(2, 4) for epoch in EPOCHS for tap in TAPS})
        for network in networks
    )  # fmt: skip
