"""The rules by which means over seeds answer: sides of a limit, margins, and several at once."""

from datetime import date

import numpy as np
import pytest

from ib_analysis.studies.seed_interval import (
    SeedInterval,
    interval_text,
    is_positive,
    joint_level,
    lies_above,
    lies_below,
    lies_within,
    over_seeds,
)
from ib_analysis.studies.verdict import Statement

NARROW = 0.01
STATEMENT = Statement("s", "c", "p", date(2026, 11, 24))


def around(mean, stderr=NARROW, n=4):
    return SeedInterval(mean, stderr, n)


def test_the_interval_is_students():
    """Values 1..5: mean 3, s = sqrt(2.5), t(4) = 2.776."""
    found = over_seeds([1, 2, 3, 4, 5])
    assert found.low == pytest.approx(3 - 2.776445 * (2.5 / 5) ** 0.5, rel=1e-6)
    assert found.high == pytest.approx(6 - found.low)


@pytest.mark.parametrize(("mean", "above"), [(2.1, "yes"), (1.9, "no"), (2.0, "unclear")])
def test_below_is_above_turned_round(mean, above):
    assert lies_above(around(mean), 2.0) == above
    assert lies_below(around(-mean), -2.0) == above


@pytest.mark.parametrize(
    ("mean", "answer"), [(2.0, "yes"), (2.5, "unclear"), (1.5, "unclear"), (1.0, "no"), (3.0, "no")]
)
def test_within_a_margin_of_a_target(mean, answer):
    assert lies_within(around(mean), 2.0, 0.5) == answer


def test_an_interval_wider_than_the_margin_is_no_equality():
    assert lies_within(around(2.0, stderr=1.0), 2.0, 0.5) == "unclear"


def test_one_seed_decides_nothing():
    one = over_seeds([5.0])
    answers = {is_positive(one), lies_above(one, 0), lies_below(one, 9), lies_within(one, 5, 1)}
    assert answers == {"unclear"}
    assert interval_text(one) == "one seed, which decides nothing"


def test_a_yes_needs_all_and_a_no_one():
    assert is_positive(around(1.0), around(2.0)) == "yes"
    assert is_positive(around(1.0), around(0.0)) == "unclear"
    assert is_positive(around(1.0), around(-2.0)) == "no"


def test_the_one_interval_that_says_no_is_corrected_for_being_one_of_many():
    """Below 0 by itself at 95 %, it is no sure sign of anything among twelve."""
    below = over_seeds([-1.0, -1.3, -0.6])
    assert below.high < 0
    assert is_positive(below) == "no"
    assert is_positive(below, *[around(1.0)] * 11) == "unclear"


def test_means_of_zero_are_seldom_called_negative_however_many_there_are():
    """Of 2.5 % on one side; without a correction ten would say no in a fifth of the cases."""
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(2000, 10, 3))
    answers = [is_positive(*map(over_seeds, one)) for one in draws.tolist()]
    assert 0.01 < answers.count("no") / 2000 < 0.035


def test_one_comparison_needs_no_correction():
    assert joint_level(1) == 0.95


def test_the_verdict_opens_with_the_interval():
    found = STATEMENT.judged(over_seeds([1.0, 2.0, 3.0]), "yes", "yes where it lies above 0")
    assert (found.our_value, found.n_seeds) == (2.0, 3)
    assert found.why == "95 % interval over 3 seeds -0.4841 to 4.484; yes where it lies above 0"


def test_a_verdict_without_a_measurement_has_no_number():
    found = STATEMENT.unmeasured("nothing was trained")
    assert (found.our_value, found.stderr, found.n_seeds, found.why) == (None, None, 0, "nothing was trained")
