import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.compressed_noise import CompressedNoise, principal_components
from ib_analysis.information.estimators.ross import Ross
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

IMAGE, LABEL = Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION


def wide_layer(n, noise, seed):
    """x: two numbers spread over 40 pixels; h: the same two over 30 units; I(x; h + noise) by the capacity formula."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 2)) * [3.0, 2.0]
    pixels, units = (np.linalg.qr(rng.standard_normal((d, 2)))[0].T for d in (40, 30))
    truth = 0.5 * (math.log1p(9 / noise**2) + math.log1p(4 / noise**2))
    return z @ pixels, z @ units, truth


def test_a_wide_linear_layer_with_two_directions():
    x, h, truth = wide_layer(2000, 2.0, 1)
    found = CompressedNoise(x_components=2, h_components=2, noise=2.0).estimate(x, h, IMAGE)
    assert abs(found.value - truth) < 4 * found.stderr
    assert found.stderr < 0.06
    assert (found.bound, found.method) == (Bound.LOWER, "compressed_noise")


def test_data_and_noise_of_one_seed_are_not_the_same_numbers():
    rng = np.random.default_rng(0)
    h = rng.standard_normal((2000, 1))
    found = CompressedNoise(noise=1.0, seed=0).estimate(h, h, IMAGE)
    assert abs(found.value - 0.5 * math.log(2)) < 4 * found.stderr


def test_shuffled_rows_hold_none():
    x, h, _ = wide_layer(1000, 2.0, 0)
    shuffled = np.random.default_rng(1).permutation(h)
    found = CompressedNoise(x_components=2, h_components=2, noise=2.0).estimate(x, shuffled, IMAGE)
    assert abs(found.value) < 4 * found.stderr


def test_turning_the_layer_leaves_it_within_the_error():
    x, h, _ = wide_layer(800, 2.0, 0)
    method = CompressedNoise(x_components=2, h_components=2, noise=2.0)
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((30, 30)))[0]
    plain, turned = method.estimate(x, h, IMAGE), method.estimate(x, h @ turn, IMAGE)
    assert abs(plain.value - turned.value) < 4 * math.hypot(plain.stderr, turned.stderr)


def test_a_component_too_few_holds_less_and_says_so():
    x, h, truth = wide_layer(1500, 1.0, 0)
    one = CompressedNoise(x_components=1, h_components=1, noise=1.0, splits=4).estimate(x, h, IMAGE)
    assert one.value < truth - 0.3
    assert "h + noise hold" in one.warnings[0]


def test_labels_go_to_ross():
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    h = rng.standard_normal((400, 20)) * 0.1
    h[:, 0] += 2.0 * y
    method = CompressedNoise(h_components=1, noise=1e-6, splits=2)
    components, _ = principal_components(h, 1)
    expected = Ross(splits=2).estimate(components, y, LABEL).value
    for quantity in (LABEL, Quantity.MUTUAL_INFORMATION):
        assert method.estimate(h, y, quantity).value == pytest.approx(expected, abs=0.01)
    with pytest.raises(UserError, match="y must be classes"):
        method.estimate(h, h[:, 0], LABEL)


@pytest.mark.parametrize("shape", [(50, 8), (8, 50)])
def test_components_against_a_singular_value_decomposition(shape):
    rows = np.random.default_rng(0).standard_normal(shape) + 5
    u, s, _ = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    found, kept = principal_components(rows, 3)
    assert np.allclose(abs(found), abs(u[:, :3] * s[:3]))
    assert kept == pytest.approx((s[:3] ** 2).sum() / (s**2).sum())


def test_what_cannot_run_is_refused():
    with pytest.raises(UserError, match="x_components is 0"):
        CompressedNoise(x_components=0)
    with pytest.raises(UserError, match="noise is 0"):
        CompressedNoise(noise=0.0)
    with pytest.raises(UserError, match="all rows are equal"):
        CompressedNoise().estimate(np.full(20, 0.5), np.arange(20), IMAGE)
