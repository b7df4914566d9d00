import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import digamma
from scipy.stats import norm

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.ross import Ross
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

LABEL = Quantity.LABEL_INFORMATION


def pair(n, gap, seed):
    rng = np.random.default_rng((seed, 99))
    y = rng.integers(0, 2, n)
    return rng.standard_normal(n) + gap * y, y


def truth(gap):
    """I(h; y) of two unit normals gap apart, by quadrature."""

    def integrand(t):
        p, q = norm.pdf(t), norm.pdf(t, gap)
        return 0.5 * p * math.log(2 * p / (p + q)) + 0.5 * q * math.log(2 * q / (p + q))

    return quad(integrand, -12, 12 + gap)[0]


def test_double_loops():
    rng = np.random.default_rng(0)
    h, y = rng.standard_normal((40, 2)), np.arange(40) % 3
    u = h / h.std(0)
    local = []
    for i in range(40):
        distances = {j: max(abs(u[i] - u[j])) for j in range(40) if j != i}
        radius = sorted(d for j, d in distances.items() if y[j] == y[i])[2]
        m = sum(d <= radius for d in distances.values())
        local.append(digamma((y == y[i]).sum()) + digamma(m))
    literal = digamma(40) + digamma(3) - np.mean(local)
    assert Ross(k=3).estimate(h, y, LABEL).value == pytest.approx(literal, abs=1e-12)


@pytest.mark.parametrize("gap", [0.0, 1.0, 3.0])
def test_two_normals(gap):
    found = Ross().estimate(*pair(2000, gap, 0), LABEL)
    assert abs(found.value - truth(gap)) < 4 * found.stderr
    assert found.stderr < 0.05
    assert (found.bound, found.quantity) == (Bound.CONSISTENT, LABEL)


def test_far_apart_classes_hold_the_entropy_of_the_labels():
    y = np.repeat([0, 1, 2, 3], 100)
    h = np.random.default_rng(0).standard_normal((400, 2)) + 100 * np.stack([y % 2, y // 2], 1)
    assert Ross().estimate(h, y, LABEL).value == pytest.approx(math.log(4), abs=0.01)


def test_names_of_classes_scales_and_shifts_change_nothing():
    h, y = pair(300, 1.0, 0)
    plain = Ross().estimate(h, y, LABEL).value
    assert Ross().estimate(50 * h + 3, 7 - 9 * y, LABEL).value == pytest.approx(plain, abs=1e-9)


def test_the_error_over_samples():
    found = [Ross(splits=4).estimate(*pair(300, 1.5, seed), LABEL) for seed in range(120)]
    spread = np.std([one.value for one in found])
    error = math.sqrt(np.mean([one.stderr**2 for one in found]))
    assert error == pytest.approx(spread, rel=0.3)


def test_a_small_class_uses_the_neighbours_that_it_has():
    h, y = pair(200, 1.0, 0)
    y[:3] = 2
    assert np.isfinite(Ross(k=5).estimate(h, y, LABEL).value)


def test_what_is_no_class_is_refused():
    h, y = pair(100, 1.0, 0)
    with pytest.raises(UserError, match="y must be classes"):
        Ross().estimate(h, h, LABEL)
    y[0] = 5
    with pytest.raises(UserError, match="1 classes with a single row"):
        Ross().estimate(h, y, LABEL)
