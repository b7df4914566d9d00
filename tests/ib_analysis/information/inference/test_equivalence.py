import numpy as np
import pytest
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import confidence_interval
from ib_analysis.information.inference.equivalence import equivalence, no_fall


def test_the_p_value_is_the_larger_of_two_textbook_t_tests():
    d = np.random.default_rng(0).normal(0.1, 1.0, 50)
    found = equivalence(d.mean(), d.std(ddof=1) / np.sqrt(50), 50, margin=0.4)
    below = stats.ttest_1samp(d, 0.4, alternative="less").pvalue
    above = stats.ttest_1samp(d, -0.4, alternative="greater").pvalue
    assert found.p_value == pytest.approx(max(below, above))


@pytest.mark.parametrize("nats", [-3.0, -0.9, -0.3, 0.0, 0.5, 1.0, 1.4, 4.0])
@pytest.mark.parametrize("stderr", [0.0, 0.1, 0.4, 2.0])
def test_the_verdict_is_the_place_of_the_90_percent_interval(nats, stderr):
    low, high = confidence_interval(nats, stderr, 200, level=0.90)
    expected = "no change" if low > -1 and high < 1 else "change" if low > 1 or high < -1 else "undecided"
    assert equivalence(nats, stderr, 200, margin=1.0).verdict == expected


def test_a_change_of_the_margin_is_called_none_in_one_case_of_twenty():
    rng = np.random.default_rng(1)
    calls = []
    for _ in range(2000):
        d = rng.normal(0.5, 1.0, 40)
        found = equivalence(d.mean(), d.std(ddof=1) / np.sqrt(40), 40, margin=0.5)
        calls.append(found.verdict == "no change")
    assert abs(np.mean(calls) - 0.05) < 0.015


@pytest.mark.parametrize("change", [-3.0, -1.1, -0.4, 0.0, 2.0, 50.0])
def test_a_fall_is_judged_on_one_side_alone(change):
    found = no_fall(change, 0.4, 200, margin=1.0)
    low, high = confidence_interval(change, 0.4, 200, level=0.90)
    assert found.verdict == ("no change" if low > -1 else "change" if high < -1 else "undecided")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"margin": 0.0}, "positive margin"),
        ({"n": 1}, "two or more"),
        ({"alpha": 1.2}, "between 0 and 1"),
    ],
)
def test_mistakes_are_named(values, message):
    with pytest.raises(UserError, match=message):
        equivalence(**({"change": 0.0, "stderr": 1.0, "n": 10, "margin": 1.0} | values))
