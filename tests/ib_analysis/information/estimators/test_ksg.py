import math

import numpy as np
import pytest
from scipy.special import digamma

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.ksg import KSG
from ib_analysis.information.measurement.estimate import Bound


def normal_pair(n, d, rho, seed):
    rng = np.random.default_rng((seed, 99))
    x = rng.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def truth(d, rho):
    return -0.5 * d * math.log(1 - rho**2)


def test_double_loops():
    x, y = normal_pair(40, 2, 0.6, 0)
    u, v = (side / side.std(0) for side in (x, y))
    local = []
    for i in range(40):
        dx = [max(abs(u[i] - u[j])) for j in range(40) if j != i]
        dy = [max(abs(v[i] - v[j])) for j in range(40) if j != i]
        radius = sorted(max(pair) for pair in zip(dx, dy))[2]
        n_x, n_y = sum(d < radius for d in dx), sum(d < radius for d in dy)
        local.append(digamma(n_x + 1) + digamma(n_y + 1))
    literal = digamma(3) + digamma(40) - np.mean(local)
    assert KSG(k=3).estimate(x, y).value == pytest.approx(literal, abs=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.75, 0.95])
def test_a_normal_pair(rho):
    found = KSG().estimate(*normal_pair(2000, 1, rho, 1))
    assert abs(found.value - truth(1, rho)) < 4 * found.stderr
    assert found.stderr < 0.06
    assert found.bound is Bound.CONSISTENT
    assert found.warnings == ()


def test_two_by_two_dimensions():
    found = KSG().estimate(*normal_pair(2000, 2, 0.6, 1))
    assert abs(found.value - truth(2, 0.6)) < 4 * found.stderr


def test_independent_sides_of_many_dimensions_hold_none():
    found = KSG(splits=4).estimate(*normal_pair(600, 10, 0.0, 3))
    assert abs(found.value) < 4 * found.stderr


def test_it_falls_short_in_five_dimensions():
    """A known trap, and not within its error: .741 was found for 1.022 at 10,000 pairs."""
    found = KSG(splits=4).estimate(*normal_pair(1000, 5, 0.58, 0))
    assert found.value + 2 * found.stderr < truth(5, 0.58)


def test_scales_shifts_and_order_of_columns_change_nothing_and_curves_little():
    x, y = normal_pair(500, 2, 0.7, 0)
    plain = KSG().estimate(x, y)
    moved = KSG().estimate(1000 * x[:, ::-1] - 7, y * [1e-3, 1.0])
    assert moved.value == pytest.approx(plain.value, abs=1e-9)
    assert KSG().estimate(y, x).value == pytest.approx(plain.value, abs=1e-9)
    curved = KSG().estimate(np.exp(x), np.cbrt(y))
    assert curved.value != plain.value
    assert abs(curved.value - plain.value) < 2 * plain.stderr


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_the_error_over_samples(rho):
    found = [KSG(splits=4).estimate(*normal_pair(300, 1, rho, seed)) for seed in range(120)]
    spread = np.std([one.value for one in found])
    error = math.sqrt(np.mean([one.stderr**2 for one in found]))
    assert error == pytest.approx(spread, rel=0.3)


def test_repeated_rows_are_told_apart_and_named():
    x, y = normal_pair(400, 1, 0.8, 0)
    found = KSG().estimate(np.round(x, 1), y)
    assert abs(found.value - truth(1, 0.8)) < 0.2
    assert "rows of x repeat another" in found.warnings[0]


def test_a_few_repeated_rows_change_little():
    x, y = normal_pair(400, 2, 0.8, 0)
    plain = KSG().estimate(x, y)
    x[:5], y[:5] = x[5:10], y[5:10]
    found = KSG().estimate(x, y)
    assert found.warnings == ()
    assert abs(found.value - plain.value) < 3 * plain.stderr


def test_a_dead_unit_is_left_aside():
    x, y = normal_pair(300, 1, 0.8, 0)
    with_dead = KSG().estimate(x, np.hstack([y, np.full((300, 1), 0.1)]))
    assert with_dead.value == pytest.approx(KSG().estimate(x, y).value, abs=1e-9)


def test_settings_and_rows_that_cannot_run_are_refused():
    with pytest.raises(UserError, match="k is 0"):
        KSG(k=0)
    with pytest.raises(UserError, match="splits is 0"):
        KSG(splits=0)
    with pytest.raises(UserError, match="8 pairs are too few for neighbour 4"):
        KSG(k=4).estimate(np.arange(8), np.arange(8))
