import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.counting import (
    Correction,
    Counting,
    CountingSample,
    corrected_entropy,
)
from ib_analysis.information.measurement.estimate import Bound

TABLE = np.array([[0.4, 0.1, 0.05], [0.05, 0.1, 0.3]])
TRUTH = float((TABLE * np.log(TABLE / TABLE.sum(1, keepdims=True) / TABLE.sum(0))).sum())


def rows_of(table):
    """x and y with each pair as often as the table says."""
    pairs = [(i, j) for (i, j), times in np.ndenumerate(table) for _ in range(int(times))]
    return np.array(pairs).T


def drawn(table, n, rng):
    return np.divmod(rng.choice(table.size, n, p=table.ravel()), table.shape[1])


def test_a_joint_table():
    x, y = rows_of(20 * TABLE + 1e-9)
    found = Counting().estimate(x, y)
    assert found.value == pytest.approx(TRUTH, abs=1e-12)
    assert (found.stderr, found.bound, found.n) == (0.0, Bound.EXACT, 20)


def test_a_universe_through_a_function_has_the_entropy_of_the_values():
    """256 two-dimensional inputs through a ReLU; the entropy by a literal count."""
    grid = np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1).reshape(-1, 2) - 5.0
    h = np.maximum(grid @ np.array([[1.0, -1.0], [2.0, 1.0]]), 0.0)
    values = [tuple(row) for row in h.tolist()]
    literal = -sum(values.count(v) / 256 * math.log(values.count(v) / 256) for v in set(values))
    assert len(set(values)) < 256
    assert Counting().estimate(grid, h).value == pytest.approx(literal, abs=1e-12)


def test_a_repeated_row_is_twice_as_likely_and_not_another_value():
    x = np.array([0, 0, 1, 2] * 2)
    assert Counting().estimate(x, x).value == pytest.approx(1.5 * math.log(2), abs=1e-12)


def test_one_to_one_maps_change_nothing():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 4, (60, 2)), rng.integers(0, 5, 60)
    plain = Counting().estimate(x, y).value
    coded = Counting().estimate(np.exp(x[:, ::-1]) - 3.0, rng.permutation(5)[y] * 1e-3)
    assert coded.value == pytest.approx(plain, abs=1e-12)
    assert Counting().estimate(y, x).value == pytest.approx(plain, abs=1e-12)


def test_a_product_has_none():
    x, y = np.divmod(np.arange(12), 3)
    assert Counting().estimate(x, y).value == pytest.approx(0.0, abs=1e-12)


def test_the_jackknife_literally():
    symbols = np.array([0] * 5 + [1] * 3 + [2, 3])

    def plug_in(s):
        f = np.unique(s, return_counts=True)[1] / len(s)
        return -(f * np.log(f)).sum()

    n = len(symbols)
    without = sum(plug_in(np.delete(symbols, i)) for i in range(n))
    literal = n * plug_in(symbols) - (n - 1) / n * without
    assert corrected_entropy(symbols, Correction.JACKKNIFE) == pytest.approx(literal, abs=1e-12)


@pytest.mark.parametrize("correction", [Correction.MILLER_MADOW, Correction.JACKKNIFE])
def test_corrections_take_the_bias_off_and_the_error_covers(correction):
    rng = np.random.default_rng(0)
    plain, found = [], []
    for _ in range(400):
        x, y = drawn(TABLE, 60, rng)
        plain.append(CountingSample(Correction.NONE).estimate(x, y).value)
        found.append(CountingSample(correction).estimate(x, y))
    values = np.array([one.value for one in found])
    error_of_mean = values.std() / math.sqrt(len(values))
    assert np.mean(plain) - TRUTH > 0.01  # (2 x 3 - 2 - 3 + 1) / 120 = .017
    assert abs(values.mean() - TRUTH) < 4 * error_of_mean
    assert np.mean([one.stderr for one in found]) == pytest.approx(values.std(), rel=0.2)


def test_independent_symbols_give_none_within_the_error():
    rng = np.random.default_rng(2)
    found = CountingSample().estimate(rng.integers(0, 5, 2000), rng.integers(0, 4, 2000))
    assert abs(found.value) < 4 * found.stderr
    assert found.bound is Bound.CONSISTENT


def test_a_sample_of_images_that_are_all_different_draws_a_warning():
    x = np.random.default_rng(0).random((50, 3))
    found = CountingSample(Correction.NONE).estimate(x, x)
    assert found.value == pytest.approx(math.log(50))
    assert "saturates" in found.warnings[0]


def test_an_unknown_correction_is_refused():
    with pytest.raises(UserError, match="correction is 'bayes'"):
        CountingSample(correction="bayes")  # type: ignore[arg-type]
