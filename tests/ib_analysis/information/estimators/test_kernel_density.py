import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators import gaussian_kernels
from ib_analysis.information.estimators.kernel_density import (
    KernelDensity,
    KernelDensityLower,
    KernelDensityUpper,
    pairwise_entropy,
)
from ib_analysis.information.estimators.noisy_mixture import NoisyMixture
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

IMAGE, LABEL = Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION


def literal(h, symbols, noise, whole, within):
    """The definition by double loops; whole and within divide the squared distance."""

    def entropy(rows, factor):
        return -np.mean(
            [
                math.log(np.mean([math.exp(-sum((a - b) ** 2) / factor / noise**2) for b in rows]))
                for a in rows
            ]
        )

    inner = sum((symbols == s).mean() * entropy(h[symbols == s], within) for s in set(symbols.tolist()))
    return entropy(h, whole) - inner


@pytest.mark.parametrize(
    ("kind", "whole", "within"),
    [(KernelDensityUpper, 2, 8), (KernelDensityLower, 8, 2), (KernelDensity, 2, 2)],
)
def test_double_loops(kind, whole, within):
    rng = np.random.default_rng(0)
    h, y = rng.standard_normal((30, 3)), rng.integers(0, 3, 30)
    of_label = kind(noise=0.7).estimate(h, y, LABEL).value
    assert of_label == pytest.approx(literal(h, y, 0.7, whole, within), abs=1e-10)
    of_image = kind(noise=0.7).estimate(np.arange(30), h, IMAGE).value
    assert of_image == pytest.approx(literal(h, np.arange(30), 0.7, whole, within), abs=1e-10)


def test_small_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    h, y = rng.standard_normal((50, 3)), rng.integers(0, 3, 50)
    whole = KernelDensity(noise=0.7).estimate(h, y, LABEL)
    monkeypatch.setattr(gaussian_kernels, "BLOCK_ENTRIES", 70)
    parts = KernelDensity(noise=0.7).estimate(h, y, LABEL)
    assert (parts.value, parts.stderr) == pytest.approx((whole.value, whole.stderr), abs=1e-10)


@pytest.mark.parametrize("noise", [0.2, 0.7, 2.0])
def test_the_bounds_hold_the_exact_value(noise):
    rng = np.random.default_rng(1)
    h, y = rng.standard_normal((100, 2)), rng.integers(0, 2, 100)
    h[:, 0] += 2 * y
    for x, z, quantity in ((np.arange(100), h, IMAGE), (h, y, LABEL)):
        exact = NoisyMixture(noise=noise, draws=64).estimate(x, z, quantity)
        lower = KernelDensityLower(noise=noise).estimate(x, z, quantity)
        upper = KernelDensityUpper(noise=noise).estimate(x, z, quantity)
        assert lower.value < exact.value + 4 * exact.stderr
        assert upper.value > exact.value - 4 * exact.stderr
        assert lower.bound is Bound.LOWER
        assert upper.bound is Bound.UPPER


def test_far_apart_they_meet_at_the_entropy_and_say_so():
    x = np.repeat(np.arange(10), 2)
    h = 100.0 * x
    for kind in (KernelDensityUpper, KernelDensityLower, KernelDensity):
        found = kind().estimate(x[:, None] * [1, 1], h, IMAGE)
        assert found.value == pytest.approx(math.log(10))  # distinct values, not rows
        assert "ceiling of 2.303" in found.warnings[0]


def test_one_point_for_all_holds_nothing():
    found = KernelDensityUpper().estimate(np.arange(9), np.full(9, 0.1), IMAGE)
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.warnings == ()


def test_rotation_and_shift_change_nothing_and_scale_goes_with_the_noise():
    rng = np.random.default_rng(0)
    h = rng.standard_normal((60, 4))
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    plain = KernelDensity(noise=0.5).estimate(np.arange(60), h, IMAGE).value
    turned = KernelDensity(noise=0.5).estimate(np.arange(60), h @ rotation + 1000.0, IMAGE).value
    scaled = KernelDensity(noise=5.0).estimate(np.arange(60), 10 * h, IMAGE).value
    assert (turned, scaled) == pytest.approx((plain, plain), abs=1e-8)


def test_five_dimensions_are_too_many():
    """The known trap: a 5 + 5 dimensional pair with 0.59 nats looks as if it held log n."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1000, 5))
    h = x + rng.standard_normal((1000, 5)) * 2
    found = KernelDensity(noise=0.1).estimate(x, h)
    assert found.value > 6.5
    assert found.warnings


@pytest.mark.parametrize("symbols", [np.zeros(12, dtype=int), np.arange(12) % 3])
def test_the_influence_is_the_derivative_by_the_weight_of_a_row(symbols):
    h = np.random.default_rng(0).standard_normal((12, 1))
    kernels = np.exp(-((h - h.T) ** 2) / 2) * (symbols[:, None] == symbols)

    def entropy(weights):
        w = weights / weights.sum()
        of_symbol = np.bincount(symbols, w)[symbols]
        return -(w * np.log(kernels @ w / of_symbol)).sum()

    value, influence = pairwise_entropy(h, symbols, 1.0)
    step, weights = 1e-5, np.full(12, 1 / 12)
    numeric = [(entropy(weights + step * i) - entropy(weights - step * i)) / (2 * step) for i in np.eye(12)]
    assert value == pytest.approx(entropy(weights), abs=1e-12)
    assert np.allclose(influence - influence.mean(), numeric, atol=1e-6)


@pytest.mark.parametrize("quantity", [IMAGE, LABEL])
def test_the_error_over_samples(quantity):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(150):
        y = rng.integers(0, 2, 200)
        h = rng.standard_normal(200) + 2 * y
        pair = (np.arange(200), h) if quantity is IMAGE else (h, y)
        found.append(KernelDensity(noise=0.5).estimate(*pair, quantity))
    spread = np.std([one.value for one in found])
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize("noise", [0.0, -1.0, math.nan, math.inf])
def test_noise_that_is_none_is_refused(noise):
    with pytest.raises(UserError, match="noise is"):
        KernelDensity(noise=noise)
