import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.renyi import Renyi, WidthRule, chosen_width, matrix_entropy
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

LABEL = Quantity.LABEL_INFORMATION


def pair(n, rho, seed):
    rng = np.random.default_rng((seed, 99))
    x = rng.standard_normal(n)
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal(n)


def test_the_definition_literally():
    x, y = pair(25, 0.7, 0)

    def gram(side, width):
        return np.array([[math.exp(-((a - b) ** 2) / 2 / width**2) for b in side] for a in side])

    def entropy(matrix, alpha):
        values = np.linalg.svd(matrix / np.trace(matrix), compute_uv=False)
        return math.log((values**alpha).sum()) / (1 - alpha)

    for alpha in (0.5, 1.01, 2.0):
        a, b = gram(x, 0.8), gram(y, 1.3)
        literal = entropy(a, alpha) + entropy(b, alpha) - entropy(a * b, alpha)
        found = Renyi(alpha, 0.8, 1.3).estimate(x, y)
        assert found.value == pytest.approx(literal, abs=1e-6)  # roots of eigenvalues that are 0
        assert found.bound is Bound.NONE


def test_order_two_in_closed_form():
    """tr A^2 is the sum of the squared elements: no eigenvalues needed."""
    a = np.exp(-(np.subtract.outer(np.arange(9.0), np.arange(9.0)) ** 2)) / 9
    assert matrix_entropy(a, 2.0)[0] == pytest.approx(-math.log((a**2).sum()), abs=1e-12)


def test_classes_have_the_entropies_of_their_table():
    """Blocks of ones have the class shares as eigenvalues: independent classes 0, equal ones log of their number."""
    x, y = np.divmod(np.arange(12) % 6, 3)
    assert Renyi().estimate(x, y, LABEL).value == pytest.approx(0.0, abs=1e-9)
    assert Renyi().estimate(y, y, LABEL).value == pytest.approx(math.log(3), abs=1e-9)


def test_narrow_kernels_saturate_at_log_n_and_wide_ones_see_nothing():
    x, y = pair(50, 0.0, 0)
    narrow = Renyi(x_width=1e-6, y_width=1e-6).estimate(x, y)
    assert narrow.value == pytest.approx(math.log(50), abs=1e-6)
    assert "ceiling of 3.912" in narrow.warnings[0]
    assert Renyi(x_width=1e6, y_width=1e6).estimate(x, y).value == pytest.approx(0.0, abs=1e-6)


def test_dependence_raises_it():
    found = [Renyi().estimate(*pair(300, rho, 0)) for rho in (0.0, 0.5, 0.9)]
    assert found[0].value < found[1].value - 2 * found[1].stderr < found[2].value - 4 * found[2].stderr


@pytest.mark.parametrize("rule", list(WidthRule))
def test_a_scale_changes_nothing_as_the_width_follows(rule):
    x, y = pair(60, 0.7, 0)
    plain = Renyi(x_width=rule, y_width=rule).estimate(x, y).value
    assert Renyi(x_width=rule, y_width=rule).estimate(100 * x + 5, -y).value == pytest.approx(plain, abs=1e-8)


def test_the_rules_literally():
    rows = np.random.default_rng(0).standard_normal((30, 2))
    distances = np.array([[math.dist(a, b) for b in rows] for a in rows])
    median = np.median([distances[i, j] for i in range(30) for j in range(i)])
    nearest = np.mean([sorted(line)[1:11] for line in distances.tolist()])
    assert chosen_width(distances**2, WidthRule.MEDIAN) == pytest.approx(median)
    assert chosen_width(distances**2, WidthRule.NEIGHBOURS) == pytest.approx(nearest)


def test_the_influence_is_the_derivative_by_the_weight_of_a_row():
    x = np.random.default_rng(0).standard_normal(12)
    gram = np.exp(-(np.subtract.outer(x, x) ** 2))

    def entropy(weights):
        root = np.sqrt(weights / weights.sum())
        return matrix_entropy(root[:, None] * gram * root, 1.5)[0]

    influence = matrix_entropy(gram / 12, 1.5)[1]
    step, weights = 1e-5, np.full(12, 1 / 12)
    numeric = [
        (entropy(weights + step * row) - entropy(weights - step * row)) / (2 * step) for row in np.eye(12)
    ]
    assert np.allclose(influence - influence.mean(), numeric, atol=1e-5)


def test_the_error_over_samples():
    found = [Renyi(x_width=1.0, y_width=1.0).estimate(*pair(120, 0.7, seed)) for seed in range(150)]
    spread = np.std([one.value for one in found])
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"alpha": 1.0}, "alpha is 1.0"),
        ({"x_width": 0.0}, "x_width is 0.0"),
        ({"y_width": "silverman"}, "y_width is 'silverman'"),
    ],
)
def test_settings_that_cannot_run_are_refused(settings, sentence):
    with pytest.raises(UserError, match=sentence):
        Renyi(**settings)


def test_rows_that_cannot_run_are_refused():
    with pytest.raises(UserError, match="width of 0"):
        Renyi().estimate(np.full(20, 0.1), np.arange(20) % 2)
    with pytest.raises(UserError, match="5000 rows or fewer"):
        Renyi().estimate(np.arange(5001), np.arange(5001))
    with pytest.raises(UserError, match="y must be classes"):
        Renyi().estimate(*pair(20, 0.1, 0), LABEL)
