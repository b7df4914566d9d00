"""Tables as a small study would give them: a classifier and an autoencoder, three taps, four epochs."""

import math

import numpy as np
import pytest

from ib_analysis.figures.samples import Samples
from ib_analysis.point import Network

LABEL_BITS, IMAGE_BITS = math.log2(10), 118.4
TAPS, EPOCHS = ("h1", "h2", "logits"), (0, 1, 10, 200)


def row(quantity, bits, stderr=0.0, bound="none", **place):
    empty = {"encoder": "", "regime": "", "seed": None, "epoch": None, "tap": ""}
    of_image = "x" in quantity
    return empty | place | {
        "quantity": quantity,
        "nats": bits * math.log(2),
        "bits": bits,
        "bits_per_dim": bits / 64 if of_image else None,
        "stderr_bits": stderr,
        "bound": bound,
        "n_images": 599,
        "method": "closed form" if bound == "exact" else "pixelcnn_pp",
    }  # fmt: skip


def study_rows(seeds=(0,), image_bits=IMAGE_BITS):
    """I(x; h) = image_bits * (0.9 - 0.2 depth) + an arch over epochs; I(y; h) grows with the epoch."""
    rows = [row("H(y)", LABEL_BITS, bound="exact"), row("CE(x)", image_bits, 0.7, "upper")]
    for regime in ("classifier", "autoencoder"):
        for seed in seeds:
            for i, epoch in enumerate(EPOCHS):
                for depth, tap in enumerate(TAPS):
                    place = {"encoder": "net", "regime": regime, "seed": seed, "epoch": epoch, "tap": tap}
                    x = image_bits * (0.9 - 0.2 * depth) + (0.0, 2.0, 5.0, -4.0)[i] + 0.5 * seed
                    y = 0.8 + 0.6 * i - 0.1 * depth
                    rows += [
                        row("CE(x|h)", image_bits - x, 0.5, "upper", **place),
                        row("I(x;h)", x, 0.8, **place),
                        row("CE(y|h)", LABEL_BITS - y, 0.03, "upper", **place),
                        row("I(y;h)", y, 0.04, "lower", **place),
                    ]
    return rows


def known_rows():
    """A fixed encoder with known information."""
    rows = [
        row("H(y)", 1.0, bound="exact"),
        row("CE(x)", 336.1, 0.6, "upper"),
        row("H(x)", 334.5, bound="exact"),
    ]
    for tap, bits in (("rows2", 84.55), ("rows4", 167.9)):
        place = {"encoder": "kept", "regime": "fixed", "seed": 0, "epoch": 0, "tap": tap}
        rows += [
            row("I(x;h)", bits - 1.2, 0.6, **place),
            row("I(y;h)", 0.61, 0.02, "lower", **place),
            row("I(x;h)", bits, bound="exact", **place),
            row("I(y;h)", 0.63, bound="exact", **place),
        ]
    return rows


def stage_rows():
    """Two stages as their table holds them."""
    return [
        {
            "encoder": "net", "regime": regime, "tap": tap, "quantity": "I(x;h)", "first_epoch": 0,
            "scope": "3 networks",
            "peak_epoch": 10, "last_epoch": 200, "peak_bits": 90.0 - 20 * depth, "n_images": 599,
            "fitting_bits": 5.0 + depth, "fitting_stderr_bits": 0.5, "fitting_verdict": "yes",
            "compression_bits": 9.0 - depth, "compression_stderr_bits": 1.0, "compression_verdict": "undecided",
        }
        for regime in ("classifier", "autoencoder")
        for depth, tap in enumerate(TAPS)
    ]  # fmt: skip


def study_samples(channels=1, size=8, levels=17, draws=2, images=5):
    generator = np.random.default_rng(0)

    def images_of(*shape):
        return generator.integers(0, levels, (*shape, channels, size, size), dtype=np.uint8)

    network = Network("net", "classifier", 0)
    drawn = {network.at(epoch, tap): images_of(draws, images) for epoch in EPOCHS for tap in TAPS}
    classes = tuple(f"class {i}" for i in range(images))
    return Samples(network, levels, np.arange(images), images_of(images), classes, drawn)


@pytest.fixture
def rows():
    return study_rows()


@pytest.fixture
def rows_of_seeds():
    return study_rows(seeds=(0, 1, 2))


@pytest.fixture
def known():
    return known_rows()


@pytest.fixture
def stages():
    return stage_rows()


@pytest.fixture
def samples():
    return study_samples()


@pytest.fixture
def colour_samples():
    return study_samples(channels=3, size=32, levels=256)
