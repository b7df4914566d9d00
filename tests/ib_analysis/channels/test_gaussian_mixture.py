"""Gaussian noise on a finite universe."""

import numpy as np
import pytest

from ib_analysis.channels.gaussian_mixture import mixture_information
from ib_analysis.channels.gaussian_noise import GaussianNoise
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.rectangles import Rectangles
from ib_analysis.units import bits


@pytest.mark.parametrize(
    ("deviation", "expected_bits", "stderr"),
    [(0.5, 12.0, 0.001), (1, 11.999, 0.002), (2, 9.008, 0.076), (4, 2.817, 0.061)],
)
def test_reference_of_4096_normal_centres_in_64_dimensions(deviation, expected_bits, stderr):
    """The reference has a standard error of its own, and other centres."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((4096, 64))
    found, _ = mixture_information(centres, np.ones((4096, 1)), deviation, 600, rng)
    assert abs(bits(found.nats) - expected_bits) < 4 * np.hypot(stderr, bits(found.stderr))


@pytest.mark.parametrize("deviation", [0.3, 1.0, 2.5])
def test_all_images_of_independent_uniform_pixels_are_a_mixture_with_a_closed_form(deviation):
    law = IndependentPixels.uniform(2, 3, 1)
    centres = np.stack(np.meshgrid(*[np.arange(3.0)] * 4), -1).reshape(-1, 4)
    label = (2 * centres[:, 0] >= 3).astype(int)
    found, of_label = mixture_information(
        centres, np.eye(2)[label], deviation, 8000, np.random.default_rng(1)
    )
    channel = GaussianNoise(deviation)
    assert abs(found.nats - channel.information(law).nats) < 4 * found.stderr + 1e-6
    assert abs(of_label.nats - channel.label_information(law).nats) < 4 * of_label.stderr + 1e-6


def test_a_universe_loses_by_noise_between_nothing_and_everything():
    law = Rectangles(6, 2)
    values = [GaussianNoise(s).information(law).nats for s in (0.05, 0.5, 1.0, 5.0)]
    assert values[0] == pytest.approx(law.nats("H(x)").nats, abs=1e-6)
    assert values == sorted(values, reverse=True)
    assert 0 < values[-1] < 0.6
    assert GaussianNoise(0.05).label_information(law).nats == pytest.approx(law.nats("I(y;x)").nats, abs=1e-6)
    quiet, noisy = (GaussianNoise(1.0).label_information(law, e) for e in (0.0, 0.3))
    assert quiet.stderr > 0
    assert 0 < noisy.nats < quiet.nats < GaussianNoise(1.0).information(law).nats


def test_the_mixture_knows_which_centre_by_bayes_rule():
    """A slow literal twin: densities written out, one h at a time."""
    rng = np.random.default_rng(2)
    centres, classes = rng.standard_normal((5, 3)), rng.dirichlet([1, 1], 5)
    found, of_label = mixture_information(centres, classes, 0.8, 50, np.random.default_rng(3))
    twin = np.random.default_rng(3)
    chosen = centres[twin.integers(0, 5, 50)]
    nats, label_nats = [], []
    for h in chosen + 0.8 * twin.standard_normal(chosen.shape):
        density = np.array([np.exp(-((h - c) ** 2).sum() / (2 * 0.8**2)) for c in centres])
        posterior = density / density.sum()
        nats.append(np.log(5) + (posterior * np.log(posterior)).sum())
        y = posterior @ classes
        label_nats.append((y * np.log(y)).sum() - (classes.mean(0) * np.log(classes.mean(0))).sum())
    assert found.nats == pytest.approx(np.mean(nats), abs=1e-12)
    assert found.stderr == pytest.approx(np.std(nats, ddof=1) / np.sqrt(50), abs=1e-12)
    assert of_label.nats == pytest.approx(np.mean(label_nats), abs=1e-12)
