import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.adaptive_binning import AdaptiveBinning
from ib_analysis.information.estimators.binning import Binning
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

IMAGE, LABEL = Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION
BOTH = pytest.mark.parametrize("method", [Binning(bins=5), AdaptiveBinning(bins=5)])


def literal_information(a, b):
    """Sums over distinct values, by counting in lists."""
    n, pairs = len(a), list(zip(a, b))
    return sum(
        pairs.count(p) / n * math.log(pairs.count(p) * n / a.count(p[0]) / b.count(p[1])) for p in set(pairs)
    )


def literal_cells(h, edges):
    return [tuple(sum(value >= edge for edge in edges) for value in row) for row in h.tolist()]


def layer(n, rng):
    """tanh units whose two inputs hang on the class."""
    y = rng.integers(0, 3, n)
    return np.tanh(rng.standard_normal((n, 2)) + y[:, None] - 1), y


def test_fixed_bins_literally():
    h, y = layer(120, np.random.default_rng(0))
    cells = literal_cells(h, [-1 + 2 * i / 6 for i in range(1, 6)])
    method = Binning(bins=6, low=-1.0, high=1.0)
    assert method.estimate(h, y, LABEL).value == pytest.approx(
        literal_information(cells, y.tolist()), abs=1e-12
    )
    entropy = method.estimate(np.arange(120), h, IMAGE).value
    assert entropy == pytest.approx(literal_information(cells, cells), abs=1e-12)


def test_adaptive_bins_literally():
    h, y = layer(120, np.random.default_rng(0))
    h[h < 0] = 0.0  # many equal values: only distinct ones draw the edges
    values = sorted(set(h.ravel().tolist()))
    edges = [values[i * len(values) // 4] for i in range(1, 4)]
    method = AdaptiveBinning(bins=4)
    assert method.edges(h).tolist() == edges
    expected = literal_information(literal_cells(h, edges), y.tolist())
    assert method.estimate(h, y, LABEL).value == pytest.approx(expected, abs=1e-12)


@BOTH
def test_the_largest_and_the_smallest_value_have_a_bin(method):
    cells = method.cells(np.linspace(-1, 1, 50)[:, None])
    assert np.bincount(cells.ravel()).tolist() == [10] * 5


@BOTH
def test_constant_activations_hold_nothing(method):
    found = method.estimate(np.arange(20), np.full((20, 3), 0.3), IMAGE)
    assert found.value == pytest.approx(0.0, abs=1e-12)


@BOTH
def test_independent_pairs_hold_what_the_bias_gives(method):
    """Plug-in information of independent bins is chi-squared: (bins - 1)^2 / 2n on average."""
    rng = np.random.default_rng(0)
    values = [method.estimate(rng.random(500), rng.random(500)).value for _ in range(200)]
    assert np.mean(values) == pytest.approx(16 / 1000, rel=0.15)


@BOTH
def test_the_normal_pair_is_nearly_reached_from_below(method):
    """A bin is a function: information goes down; rho .75 has .413 nats."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(20_000)
    y = 0.75 * x + math.sqrt(1 - 0.75**2) * rng.standard_normal(20_000)
    found = method.estimate(x, y)
    assert 0.2 < found.value < 0.413
    assert found.bound is Bound.NONE


@BOTH
def test_it_saturates_at_log_n_and_says_so(method):
    h = np.random.default_rng(0).standard_normal((64, 40))
    found = method.estimate(np.arange(64), h, IMAGE)
    assert found.value == pytest.approx(math.log(64))
    assert "saturates at log n = 4.159" in found.warnings[0]
    noise_labels = np.arange(64) % 2
    of_label = method.estimate(h, noise_labels, LABEL)  # labels that h knows nothing of
    assert of_label.value == pytest.approx(math.log(2))
    assert of_label.warnings


@BOTH
def test_no_warning_where_cells_are_shared(method):
    h, y = layer(500, np.random.default_rng(0))
    assert method.estimate(np.arange(500), h, IMAGE).warnings == ()
    assert method.estimate(h, y, LABEL).warnings == ()


def test_the_scale_of_the_network_matters_to_fixed_bins_alone():
    h, y = layer(300, np.random.default_rng(0))
    fixed, adaptive = Binning(bins=8, low=-10.0, high=10.0), AdaptiveBinning(bins=8)
    assert adaptive.estimate(5 * h, y, LABEL).value == pytest.approx(adaptive.estimate(h, y, LABEL).value)
    assert adaptive.estimate(np.exp(h), y, LABEL).value == pytest.approx(adaptive.estimate(h, y, LABEL).value)
    assert fixed.estimate(5 * h, y, LABEL).value > 1.1 * fixed.estimate(h, y, LABEL).value


def test_the_error_over_samples():
    rng = np.random.default_rng(0)
    found = [Binning(bins=3, low=-1, high=1).estimate(*layer(400, rng), LABEL) for _ in range(200)]
    spread = np.std([one.value for one in found])
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.25)


def test_activations_outside_the_range_are_refused():
    with pytest.raises(UserError, match=r"activations lie in \[0, 7\], the bins in \[-1, 1\]"):
        Binning(low=-1.0, high=1.0).estimate(np.arange(8), np.arange(8), IMAGE)


@pytest.mark.parametrize("settings", [{"bins": 1}, {"low": 1.0, "high": 1.0}])
def test_settings_that_cannot_run_are_refused(settings):
    with pytest.raises(UserError, match="bins"):
        Binning(**settings)


def test_one_bin_is_refused():
    with pytest.raises(UserError, match="bins is 1"):
        AdaptiveBinning(bins=1)
