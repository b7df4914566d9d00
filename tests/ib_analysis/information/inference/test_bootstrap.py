import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.inference.bootstrap import bootstrap_ratio, bootstrap_stderr
from ib_analysis.information.measurement.cross_entropy import information
from ib_analysis.information.measurement.label_information import label_information, label_nats
from ib_analysis.information.measurement.nats import mean_with_error


@pytest.mark.parametrize("n", [30, 1000])
@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_it_agrees_with_the_formula(n, law):
    values = getattr(np.random.default_rng(0), law)(size=n)
    expected = np.sqrt((n - 1) / n) * mean_with_error(values)[1]
    assert bootstrap_stderr(values, replications=4000) == pytest.approx(expected, rel=0.045)


def test_the_paired_error_of_an_information_is_that_of_the_images_redrawn():
    rng = np.random.default_rng(1)
    difficulty = rng.gamma(4.0, 10.0, 500)
    marginal, conditional = difficulty + rng.normal(0, 2, 500), difficulty - 20 + rng.normal(0, 3, 500)
    found = information(marginal, conditional)
    assert bootstrap_stderr(marginal - conditional) == pytest.approx(found.stderr, rel=0.06)
    unpaired = np.hypot(mean_with_error(marginal)[1], mean_with_error(conditional)[1])
    assert found.stderr < unpaired / 5


def test_the_error_of_a_label_information_holds_the_class_frequencies():
    """Images and labels redrawn, the class frequencies counted anew each time: what the formula approximates."""
    rng = np.random.default_rng(2)
    labels = rng.choice(3, 400, p=[0.6, 0.3, 0.1])
    conditional = rng.gamma(1.0, 0.3, 400) * (1 + labels)
    redrawn = []
    for _ in range(2000):
        chosen = rng.integers(0, 400, 400)
        redrawn.append((label_nats(labels[chosen]) - conditional[chosen]).mean())
    assert np.std(redrawn) == pytest.approx(label_information(labels, conditional).stderr, rel=0.06)


def test_blocks_do_not_change_what_is_counted(monkeypatch):
    values = np.random.default_rng(3).normal(size=64)
    whole = bootstrap_stderr(values, seed=4)
    monkeypatch.setattr("ib_analysis.information.inference.bootstrap._BLOCK", 64 * 7)
    assert bootstrap_stderr(values, seed=4) == whole


def test_a_ratio_has_the_error_of_the_delta_method():
    rng = np.random.default_rng(5)
    b = rng.gamma(9.0, 3.0, 800)
    a = 2 * b + rng.normal(0, 4, 800)
    found, stderr = bootstrap_ratio(a, b, replications=4000)
    assert found == pytest.approx(a.mean() / b.mean(), rel=1e-12)
    assert stderr == pytest.approx(mean_with_error(a - found * b)[1] / b.mean(), rel=0.05)
    assert stderr < mean_with_error(a)[1] / b.mean()


def test_mistakes_are_named():
    with pytest.raises(UserError, match="its mean is 0"):
        bootstrap_ratio([1.0, 2.0], [-1.0, 1.0])
    with pytest.raises(UserError, match="2 are expected"):
        bootstrap_ratio([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(UserError, match="two or more"):
        bootstrap_stderr([1.0, 2.0], replications=1)
    with pytest.raises(UserError, match="not finite"):
        bootstrap_stderr([1.0, np.inf])
