import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.inference.bootstrap import bootstrap_ratio
from ib_analysis.information.measurement.nats import mean_with_error


def test_a_ratio_has_the_error_of_the_delta_method():
    rng = np.random.default_rng(5)
    b = rng.gamma(9.0, 3.0, 800)
    a = 2 * b + rng.normal(0, 4, 800)
    found, stderr = bootstrap_ratio(a, b, replications=4000)
    assert found == pytest.approx(a.mean() / b.mean(), rel=1e-12)
    assert stderr == pytest.approx(mean_with_error(a - found * b)[1] / b.mean(), rel=0.05)
    assert stderr < mean_with_error(a)[1] / b.mean()


def test_images_are_redrawn_for_both_at_once_literally():
    rng = np.random.default_rng(6)
    b = rng.gamma(9.0, 3.0, 20)
    a = 2 * b + rng.normal(0, 4, 20)
    chosen = np.random.default_rng(4).integers(0, 20, (100, 20))
    ratios = [a[rows].mean() / b[rows].mean() for rows in chosen]
    assert bootstrap_ratio(a, b, replications=100, seed=4)[1] == pytest.approx(np.std(ratios, ddof=1))


def test_blocks_do_not_change_what_is_counted(monkeypatch):
    values = np.random.default_rng(3).normal(10.0, 1.0, size=(2, 64))
    whole = bootstrap_ratio(*values, seed=4)
    monkeypatch.setattr("ib_analysis.information.inference.bootstrap._BLOCK", 64 * 7)
    assert bootstrap_ratio(*values, seed=4) == whole


def test_mistakes_are_named():
    with pytest.raises(UserError, match="its mean is 0"):
        bootstrap_ratio([1.0, 2.0], [-1.0, 1.0])
    with pytest.raises(UserError, match="2 are expected"):
        bootstrap_ratio([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(UserError, match="two or more"):
        bootstrap_ratio([1.0, 2.0], [1.0, 2.0], replications=1)
    with pytest.raises(UserError, match="not finite"):
        bootstrap_ratio([1.0, np.inf], [1.0, 2.0])
