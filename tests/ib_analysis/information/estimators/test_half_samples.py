import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.half_samples import check_splits, half_sample_error


def test_the_error_of_a_mean():
    rng, found, n = np.random.default_rng(0), [], 200
    for seed in range(100):
        x = rng.exponential(size=n)
        found.append(half_sample_error(lambda rows, x=x: x[rows].mean(), n, seed=seed) ** 2)
    assert np.mean(found) == pytest.approx(1 / n, rel=0.15)


def test_a_bias_that_falls_with_n_is_not_an_error():
    x = np.random.default_rng(0).standard_normal(100)

    def statistic(rows, bias):
        return x[rows].mean() + bias / len(rows)

    plain = half_sample_error(lambda rows: statistic(rows, 0.0), 100)
    assert half_sample_error(lambda rows: statistic(rows, 50.0), 100) == pytest.approx(plain)


def test_halves_are_disjoint_and_together_all_rows():
    seen = []
    half_sample_error(lambda rows: seen.append(rows) or 0.0, 11, splits=3)
    assert len(seen) == 6
    for first, second in zip(seen[::2], seen[1::2]):
        assert sorted([*first, *second]) == list(range(11))


def test_no_halving_is_refused():
    with pytest.raises(UserError, match="splits is 0"):
        check_splits(0)
