import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.gaussian import Gaussian, wishart_bias
from ib_analysis.information.measurement.estimate import Bound


def normal_pair(n, d, rho, seed):
    rng = np.random.default_rng((seed, 99))
    x = rng.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def truth(d, rho):
    return -0.5 * d * math.log(1 - rho**2)


@pytest.mark.parametrize("shrinkage", [0.0, None])
@pytest.mark.parametrize(("d", "rho"), [(1, 0.75), (5, 0.45), (5, 0.0)])
def test_normal_pairs(shrinkage, d, rho):
    found = Gaussian(shrinkage).estimate(*normal_pair(5000, d, rho, 0))
    assert abs(found.value - truth(d, rho)) < 4 * found.stderr + 1e-3
    assert found.stderr < 0.03
    assert found.bound is Bound.LOWER


def test_canonical_correlations_literally():
    """-1/2 sum log(1 - rho^2) over the singular values of the whitened cross-covariance, less the bias."""
    x, y = normal_pair(80, 3, 0.6, 0)
    y = np.hstack([y, x[:, :1] ** 2])
    whitened = [np.linalg.qr(side - side.mean(0))[0] for side in (x, y)]
    rho = np.linalg.svd(whitened[0].T @ whitened[1], compute_uv=False)
    literal = -0.5 * np.log(1 - rho**2).sum() - wishart_bias(80, 3, 4)
    assert Gaussian().estimate(x, y).value == pytest.approx(literal, abs=1e-10)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_bias_is_taken_off_where_rows_are_few(rho):
    """40 rows of 5 + 5 features: the plug-in value is too high by about 25 / 80, and more."""
    found = np.array([Gaussian().estimate(*normal_pair(40, 5, rho, seed)).value for seed in range(400)])
    assert abs(found.mean() - truth(5, rho)) < 4 * found.std() / math.sqrt(400)
    assert wishart_bias(40, 5, 5) > 25 / 80


def test_linear_maps_change_nothing_without_shrinkage_and_scales_nothing_with_it():
    rng = np.random.default_rng(5)
    x, y = normal_pair(200, 3, 0.6, 0)
    plain = Gaussian().estimate(x, y)
    mapped = Gaussian().estimate(x @ rng.standard_normal((3, 3)) + 4, y @ rng.standard_normal((3, 3)))
    assert (mapped.value, mapped.stderr) == pytest.approx((plain.value, plain.stderr), abs=1e-9)
    shrunk = Gaussian(None).estimate(x, y).value
    assert Gaussian(None).estimate(x * [1.0, 1e3, 1e-3] + 4, y).value == pytest.approx(shrunk, abs=1e-9)


def test_more_features_than_rows_need_shrinkage_and_do_not_look_informative():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((100, 150)), rng.standard_normal((100, 60))
    with pytest.raises(UserError, match="100 rows are too few for a covariance of 150 \\+ 60 features"):
        Gaussian().estimate(x, y)
    found = Gaussian(None).estimate(x, y)
    assert abs(found.value) < 4 * found.stderr


def test_shrinkage_finds_what_many_features_share():
    x, y = normal_pair(300, 1, 0.9, 0)
    rng = np.random.default_rng(1)
    wide = [side + 0.5 * rng.standard_normal((300, 200)) for side in (x, y)]
    found = Gaussian(None).estimate(*wide)
    assert 0.5 * truth(1, 0.9) < found.value < truth(1, 0.9) + 4 * found.stderr


@pytest.mark.parametrize("shrinkage", [0.0, None])
def test_the_error_over_samples(shrinkage):
    found = [Gaussian(shrinkage).estimate(*normal_pair(200, 2, 0.6, seed)) for seed in range(200)]
    spread = np.std([one.value for one in found])
    assert np.mean([one.stderr for one in found]) == pytest.approx(spread, rel=0.2)


def test_it_is_below_the_truth_where_only_the_marginals_are_normal():
    """y is x or -x by a fair coin on |x|'s side: both are normal, uncorrelated, and tell much of each other."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(5000)
    y = x * rng.choice([-1, 1], 5000)
    found = Gaussian().estimate(x, y)
    assert abs(found.value) < 4 * found.stderr  # the truth is infinite


def test_dead_units_are_left_aside_and_copies_are_refused():
    x, y = normal_pair(100, 2, 0.6, 0)
    plain = Gaussian().estimate(x, y).value
    assert Gaussian().estimate(x, np.hstack([y, np.full((100, 1), 0.1)])).value == pytest.approx(plain)
    with pytest.raises(UserError, match="columns of y are linear functions of others"):
        Gaussian().estimate(x, np.hstack([y, y[:, :1]]))
    with pytest.raises(UserError, match="determine each other linearly"):
        Gaussian().estimate(x, x @ [[1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(UserError, match="every column of y is constant"):
        Gaussian().estimate(x, np.full(100, 0.1))


def test_classes_are_named():
    x, _ = normal_pair(100, 2, 0.6, 0)
    assert "y is one column of whole numbers" in Gaussian().estimate(x, np.arange(100) % 3).warnings[0]


def test_a_shrinkage_that_is_too_small_is_refused():
    x, y = normal_pair(100, 2, 0.6, 0)
    with pytest.raises(UserError, match="leaves the covariance singular"):
        Gaussian(shrinkage=1e-300).estimate(np.hstack([x, x[:, :1]]), y)


def test_settings_that_cannot_run_are_refused():
    with pytest.raises(UserError, match="shrinkage is 2"):
        Gaussian(shrinkage=2.0)
    with pytest.raises(UserError, match="folds is 1"):
        Gaussian(folds=1)
    with pytest.raises(UserError, match="directions is 0"):
        Gaussian(directions=0)
    with pytest.raises(UserError, match="50 rows in 5 folds are too few for 5 \\+ 5 directions"):
        Gaussian(None).estimate(*normal_pair(50, 6, 0.6, 0))


def test_a_direction_that_is_constant_in_a_fold_is_a_sentence():
    x = np.zeros((200, 3))
    x[:, 0] = np.arange(200) == 7  # one row alone varies: no other fold sees it
    with pytest.raises(UserError, match="constant over a fold"):
        Gaussian(shrinkage=None).estimate(x, x)
