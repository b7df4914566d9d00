"""Memoryless channels against their closed forms and against integrals done another way."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from ib_analysis.channels.erasure import Erasure
from ib_analysis.channels.gaussian_noise import GaussianNoise
from ib_analysis.channels.symmetric import Symmetric
from ib_analysis.datasets.discretized_logistic import entropy_nats, probabilities
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.units import bits


def h2(e: float) -> float:
    return -(e * np.log2(e) + (1 - e) * np.log2(1 - e))


@pytest.mark.parametrize("e", [0.01, 0.11, 0.5])
def test_binary_symmetric_channel_keeps_1_minus_h2_of_each_bit(e):
    law = IndependentPixels.uniform(8, 2, 1)
    assert bits(Symmetric(e).information(law).nats) == pytest.approx(64 * (1 - h2(e)), abs=1e-10)
    assert bits(Symmetric(e).label_information(law).nats) == pytest.approx(1 - h2(e), abs=1e-10)


@pytest.mark.parametrize("levels", [3, 16, 256])
def test_q_ary_symmetric_channel(levels):
    law = IndependentPixels.uniform(4, levels, 3)
    expected = np.log2(levels) - h2(0.3) - 0.3 * np.log2(levels - 1)
    assert bits(Symmetric(0.3).information(law).nats) == pytest.approx(48 * expected, abs=1e-9)


def test_erasure_keeps_its_share_of_the_reference_entropies():
    law = IndependentPixels.logistic(8, 256, (127.5, 127.5, 60.0), (5.0, 20.0, 10.0))
    per_pixel = 5.20812 + 7.18726 + 6.19513
    assert bits(Erasure(0.25).information(law).nats) == pytest.approx(0.75 * 64 * per_pixel, abs=2e-3)


def integrated(p: np.ndarray, deviation: float) -> float:
    """h(x + noise) - h(noise), the differential entropy by adaptive quadrature, in nats."""
    level = np.arange(len(p))

    def surprise(h: float) -> float:
        density = (p * np.exp(-((h - level) ** 2) / (2 * deviation**2))).sum() / (
            deviation * np.sqrt(2 * np.pi)
        )
        return -density * np.log(density) if density > 0 else 0.0

    edges = np.arange(-12 * deviation, len(p) - 1 + 12 * deviation, max(0.5, deviation))
    edges = np.append(edges, len(p) - 1 + 12 * deviation)
    entropy = sum(quad(surprise, a, b, epsabs=1e-12, epsrel=1e-10)[0] for a, b in pairwise(edges))
    return entropy - 0.5 * np.log(2 * np.pi * np.e * deviation**2)


@pytest.mark.parametrize("deviation", [0.15, 0.5, 1.7, 6.0])
@pytest.mark.parametrize(
    "p",
    [probabilities(2.0, 0.6, 8), np.full(4, 0.25), np.array([0.9, 0, 0, 0, 0, 0.1])],
    ids=["dl", "flat", "two"],
)
def test_gaussian_noise_by_another_integral(p, deviation):
    law = IndependentPixels(3, p[np.newaxis])
    assert GaussianNoise(deviation).information(law).nats / 9 == pytest.approx(
        integrated(p, deviation), abs=1e-6
    )


@pytest.mark.parametrize("deviation", [2.0, 20.0])
def test_gaussian_noise_on_256_levels(deviation):
    p = probabilities(100.0, 5.0, 256)
    found = GaussianNoise(deviation).information(IndependentPixels(1, p[np.newaxis])).nats
    assert found == pytest.approx(integrated(p, deviation), abs=1e-6)


def test_little_noise_loses_nothing_and_much_noise_everything():
    p = probabilities(7.0, 2.0, 16)
    law = IndependentPixels(2, p[np.newaxis])
    assert GaussianNoise(0.02).information(law).nats == pytest.approx(4 * entropy_nats(p), abs=1e-9)
    assert 0 < GaussianNoise(1000.0).information(law).nats < 1e-4
    falling = [GaussianNoise(s).information(law).nats for s in (0.1, 0.3, 1.0, 3.0, 10.0)]
    assert all(a > b for a, b in pairwise(falling))


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_gaussian_label_information_is_the_mean_log_ratio_of_what_is_drawn(noise):
    p = probabilities(1.6, 0.8, 4)
    law, channel, rng = IndependentPixels(1, p[np.newaxis]), GaussianNoise(0.7), np.random.default_rng(0)
    images = law.draw(40_000, rng)
    h = (channel(law, images, rng).ravel().astype(float) + 1) * 1.5
    y = law.label(images) ^ (rng.random(len(images)) < noise)
    kernel = np.exp(-((h[:, None] - np.arange(4)) ** 2) / (2 * 0.7**2)) * p
    upper = (kernel[:, 2:].sum(1) * (1 - noise) + kernel[:, :2].sum(1) * noise) / kernel.sum(1)
    share = p[2:].sum() * (1 - noise) + p[:2].sum() * noise
    ratio = np.log(np.where(y == 1, upper / share, (1 - upper) / (1 - share)))
    found = channel.label_information(law, noise).nats
    assert abs(ratio.mean() - found) < 4 * ratio.std() / np.sqrt(len(y))
    assert found > 0.01
