"""Checks that can fail: each against a case that it must refuse, and one that it must let pass."""

import pytest

from ib_analysis.information.inference.fit_checks import Interval, contradictions, near_plateau, reconstructs


def test_a_plateau_is_judged_by_the_information_not_by_the_cross_entropy():
    """`cifar10-cpu` tolerated 61 bits of CE(x), twice the information that it reported."""
    assert not near_plateau(late_gain=61.0, late_gain_stderr=2.0, information=30.0, information_stderr=1.4)
    assert near_plateau(late_gain=0.5, late_gain_stderr=0.1, information=30.0, information_stderr=0.2)
    assert near_plateau(late_gain=1.0, late_gain_stderr=0.1, information=0.1, information_stderr=1.4)
    assert not near_plateau(late_gain=1.0, late_gain_stderr=0.1, information=0.1, information_stderr=0.2)


def test_a_gain_that_cannot_be_told_from_none_is_none():
    assert near_plateau(late_gain=1.0, late_gain_stderr=0.6, information=10.0, information_stderr=0.1)
    assert not near_plateau(late_gain=1.3, late_gain_stderr=0.6, information=10.0, information_stderr=0.1)


def test_information_below_that_of_the_label_is_marked_only_where_their_intervals_part():
    assert contradictions(Interval(0.8, 1.7), label_low=2.0)
    assert not contradictions(Interval(0.8, 2.1), label_low=2.0)


def test_information_above_the_ceiling_is_marked_only_by_its_whole_interval():
    (sentence,) = contradictions(Interval(5.5, 6.3), ceiling=3.32)
    assert "above the ceiling" in sentence
    assert not contradictions(Interval(3.0, 6.3), ceiling=3.32)


def test_both_may_be_said_and_neither_where_nothing_is_known():
    assert len(contradictions(Interval(5.0, 6.0), label_low=7.0, ceiling=3.0)) == 2
    assert contradictions(Interval(5.0, 6.0)) == ()


@pytest.mark.parametrize(("claim", "passes"), [(3.0, True), (0.9, False)])
def test_the_identity_is_judged_by_the_smallest_claim(claim, passes):
    """0.9 of 119.7 bits pass at 5 % of CE(x), whatever the experiment claims."""
    assert reconstructs(0.9, 0.05, claim) is passes
