import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from ib_analysis.errors import UserError
from ib_analysis.information.estimators import gaussian_kernels
from ib_analysis.information.estimators.binning import Binning
from ib_analysis.information.estimators.counting import Counting
from ib_analysis.information.estimators.gaussian_kernels import NOISE_STREAM
from ib_analysis.information.estimators.kernel_density import KernelDensityLower, KernelDensityUpper
from ib_analysis.information.estimators.noisy_mixture import NoisyMixture
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

IMAGE, LABEL = Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION
CENTRES = np.array([0.0, 0.3, 1.0, 1.2, 2.5, 2.6, 2.7, 4.0])
CLASSES = np.array([0, 0, 1, 0, 1, 1, 1, 0])


def by_quadrature(symbols, noise):
    """I(s; h + n) on the line: an integral of each p(t | s) log [p(t | s) / p(t)]."""

    def density(t, centres):
        return norm.pdf(t, centres, noise).mean()

    def part(s):
        centres = CENTRES[symbols == s]

        def integrand(t):
            p = density(t, centres)
            return p * math.log(p / density(t, CENTRES)) if p > 1e-300 else 0.0

        ends = (CENTRES.min() - 10 * noise, CENTRES.max() + 10 * noise)
        return quad(integrand, *ends, points=sorted(set(CENTRES)), limit=400)[0]

    return sum((symbols == s).mean() * part(s) for s in set(symbols.tolist()))


@pytest.mark.parametrize("noise", [0.05, 0.5, 3.0])
def test_a_mixture_on_the_line_by_quadrature(noise):
    method = NoisyMixture(noise=noise, draws=2000)
    for symbols, pair, quantity in (
        (np.arange(8), (np.arange(8), CENTRES), IMAGE),
        (CLASSES, (CENTRES, CLASSES), LABEL),
    ):
        found, truth = method.estimate(*pair, quantity), by_quadrature(symbols, noise)
        assert found.stderr < 0.02
        assert abs(found.value - truth) < 4 * found.stderr + 1e-6
    assert found.bound is Bound.CONSISTENT


@pytest.mark.parametrize(
    ("noise", "bits", "error"),
    [(0.5, 12.0, 0.0005), (1.0, 11.999, 0.0005), (2.0, 9.008, 0.076), (4.0, 2.817, 0.061)],
)
def test_4096_normal_centres_in_64_dimensions(noise, bits, error):
    """Against figures from other draws of the centres, with the errors that these were given with."""
    h = np.random.default_rng(7).standard_normal((4096, 64))
    found = NoisyMixture(noise=noise, draws=2).estimate(np.arange(4096), h, IMAGE)
    assert abs(found.value / math.log(2) - bits) < 4 * math.hypot(error, found.stderr / math.log(2))


def rectangles(side):
    """Every filled rectangle with integer corners: (side (side + 1) / 2)^2 images."""
    spans = [(a, b) for a in range(side) for b in range(a + 1, side + 1)]
    images = np.zeros((len(spans) ** 2, side, side))
    for image, (rows, columns) in zip(images, ((r, c) for r in spans for c in spans)):
        image[slice(*rows), slice(*columns)] = 1.0
    return images.reshape(len(images), -1)


def test_with_little_noise_a_universe_through_a_network_holds_what_is_counted():
    """441 images through a ReLU layer with whole weights that lets some of them fall together."""
    x = rectangles(6)
    weights = np.random.default_rng(0).integers(-1, 2, (36, 3))
    h = np.maximum(x @ weights, 0.0)
    counted = Counting().estimate(x, h, IMAGE)
    assert 1.0 < counted.value < math.log(441) - 1.0
    pair = (x, h, IMAGE)
    assert NoisyMixture(noise=0.05).estimate(*pair).value == pytest.approx(counted.value, abs=1e-6)
    for kind in (KernelDensityUpper, KernelDensityLower):
        assert kind(noise=0.05).estimate(*pair).value == pytest.approx(counted.value, abs=1e-6)
    assert Binning(bins=100).estimate(*pair).value == pytest.approx(counted.value, abs=1e-9)
    noisy = [NoisyMixture(noise=noise).estimate(*pair).value for noise in (0.05, 0.5, 2.0, 20.0)]
    assert noisy == sorted(noisy, reverse=True)


def test_images_that_fall_together_count_as_one_value():
    x = np.arange(16)
    found = NoisyMixture().estimate(x, 100.0 * (x // 4), IMAGE)
    assert found.value == pytest.approx(math.log(4))


def test_a_repeated_image_is_twice_as_likely():
    x = np.array([0, 0, 1, 2] * 2)
    found = NoisyMixture().estimate(x, 100.0 * x, IMAGE)
    assert found.value == pytest.approx(1.5 * math.log(2))


def test_rotations_leave_it_within_the_error_and_scale_goes_with_the_noise():
    rng = np.random.default_rng(0)
    h = rng.standard_normal((100, 3))
    plain = NoisyMixture(noise=0.5).estimate(np.arange(100), h, IMAGE)
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    turned = NoisyMixture(noise=0.5).estimate(np.arange(100), h @ rotation + 9, IMAGE)
    assert abs(turned.value - plain.value) < 4 * math.hypot(plain.stderr, turned.stderr)
    scaled = NoisyMixture(noise=50.0).estimate(np.arange(100), 100 * h, IMAGE)
    assert scaled.value == pytest.approx(plain.value, abs=1e-8)


@pytest.mark.parametrize("universe", [True, False])
def test_small_blocks_change_nothing(monkeypatch, universe):
    h, y = np.random.default_rng(0).standard_normal((60, 3)), np.arange(60) % 4
    method = NoisyMixture(noise=0.5, universe=universe)
    whole = method.estimate(h, y, LABEL)
    monkeypatch.setattr(gaussian_kernels, "BLOCK_ENTRIES", 70)
    parts = method.estimate(h, y, LABEL)
    assert (parts.value, parts.stderr) == pytest.approx((whole.value, whole.stderr), abs=1e-10)


def test_labels_without_information():
    """Each class has the same centres."""
    h, y = np.repeat(np.arange(20.0), 2), np.arange(40) % 2
    found = NoisyMixture(noise=0.5).estimate(h, y, LABEL)
    assert found.value == pytest.approx(0.0, abs=1e-10)


def test_the_monte_carlo_error_of_a_universe():
    rng = np.random.default_rng(0)
    h = rng.standard_normal((60, 2))
    found = [NoisyMixture(noise=0.7, draws=4, seed=s).estimate(np.arange(60), h, IMAGE) for s in range(200)]
    spread = np.std([one.value for one in found])
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize("symbols", [np.arange(12), np.arange(12) % 3])
def test_the_influence_is_the_derivative_by_the_weight_of_a_row(symbols):
    """At fixed noise; with it the row counts more as an origin of t and as a centre."""
    h = np.random.default_rng(0).standard_normal((12, 1))
    method = NoisyMixture(noise=0.6, draws=2, universe=False)
    noise = 0.6 * np.random.default_rng((0, NOISE_STREAM)).standard_normal((2, 12, 1))

    def value(weights):
        w, found = weights / weights.sum(), 0.0
        for n in noise:
            kernels = np.exp(-((h + n - h.T) ** 2) / 2 / 0.6**2)
            same = kernels * (symbols[:, None] == symbols) / np.bincount(symbols, w)[symbols]
            found += (w * np.log(same @ w / (kernels @ w))).sum() / 2
        return found

    ratios, influence = method.log_ratios(h, symbols)
    step, weights = 1e-5, np.full(12, 1 / 12)
    numeric = [(value(weights + step * i) - value(weights - step * i)) / (2 * step) for i in np.eye(12)]
    assert ratios.mean() == pytest.approx(value(weights), abs=1e-12)
    assert np.allclose(influence - influence.mean(), numeric, atol=1e-6)


@pytest.mark.parametrize("quantity", [IMAGE, LABEL])
def test_the_error_of_a_sample_also_holds_the_drawing_of_the_images(quantity):
    rng, found = np.random.default_rng(0), []
    for seed in range(150):
        y = rng.integers(0, 2, 150)
        h = rng.standard_normal(150) * (1 + y)
        pair = (np.arange(150), h) if quantity is IMAGE else (h, y)
        found.append(NoisyMixture(noise=0.5, draws=4, universe=False, seed=seed).estimate(*pair, quantity))
    spread = np.std([one.value for one in found])
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.3)


def test_the_noise_is_not_the_data_of_the_same_seed():
    """Data from default_rng(0) and noise from seed 0 must not be the same numbers."""
    h = np.random.default_rng(0).standard_normal((2000, 1))
    found = NoisyMixture(noise=1.0, draws=2, seed=0).estimate(np.arange(2000), h, IMAGE)
    assert found.value == pytest.approx(0.5 * math.log(2), abs=0.03)  # of a normal channel; a small bias in n


def test_a_saturated_sample_is_named_and_a_universe_is_not():
    x = np.arange(10)
    assert NoisyMixture(universe=True).estimate(x, 100.0 * x, IMAGE).warnings == ()
    assert "ceiling" in NoisyMixture(universe=False).estimate(x, 100.0 * x, IMAGE).warnings[0]


def test_one_draw_is_refused():
    with pytest.raises(UserError, match="draws is 1"):
        NoisyMixture(draws=1)
