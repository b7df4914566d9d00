"""Fronts: who is on them, and by how much one lies above another."""

import math

import numpy as np
import pytest

from ib_analysis.studies.quantized.pareto_front import (
    Candidate,
    dominance,
    height,
    pareto_front,
    share_dominated,
)


def drawn(count, seed=0, dearer=1.0):
    rng = np.random.default_rng(seed)
    return [
        Candidate(dearer * cost, validation, accuracy)
        for cost, validation, accuracy in zip(
            rng.lognormal(size=count), rng.uniform(size=count), rng.uniform(size=count)
        )
    ]


def dominates(a, b):
    """The definition: at least as good in both, better in one."""
    return (
        a.cost <= b.cost and a.validation >= b.validation and (a.cost < b.cost or a.validation > b.validation)
    )


def test_the_front_is_what_nothing_dominates():
    candidates = drawn(60)
    literal = [c for c in candidates if not any(dominates(other, c) for other in candidates)]
    front = pareto_front(candidates)
    assert front == sorted(literal, key=lambda c: c.cost)
    assert len(front) > 2


def test_equal_networks_are_on_the_front_once():
    twin = Candidate(1, 0.5, 0.5)
    assert pareto_front([twin, twin]) == [twin]


def test_networks_are_chosen_by_validation_and_reported_by_evaluation():
    lucky, chosen = Candidate(1, 0.5, 0.9), Candidate(1, 0.6, 0.7)
    assert height(pareto_front([lucky, chosen]), 1) == 0.7


def test_a_budget_that_buys_nothing():
    with pytest.raises(ValueError, match=r"no network costs 0\.5"):
        height([Candidate(1, 0.5, 0.5)], 0.5)


def test_dominance_is_the_mean_over_log_cost():
    front = pareto_front(drawn(30, seed=1, dearer=0.01))
    other = pareto_front(drawn(30, seed=2))
    log_cost = np.linspace(math.log(other[0].cost), math.log(other[-1].cost), 40_001)
    middle = (log_cost[1:] + log_cost[:-1]) / 2
    numeric = np.mean([height(front, c) - height(other, c) for c in np.exp(middle)])
    assert dominance(front, other) == pytest.approx(numeric, abs=1e-3)


def test_dominance_over_itself_is_zero_and_a_constant_shift_is_its_size():
    front = pareto_front(drawn(20))
    assert dominance(front, front) == 0
    shifted = [Candidate(c.cost, c.validation, c.accuracy + 0.1) for c in front]
    assert dominance(shifted, front) == pytest.approx(0.1)


def test_the_unit_of_cost_does_not_matter():
    front, other = pareto_front(drawn(20, seed=1, dearer=0.01)), pareto_front(drawn(20, seed=2))
    in_bytes = [[Candidate(c.cost / 8, c.validation, c.accuracy) for c in each] for each in (front, other)]
    assert dominance(*in_bytes) == pytest.approx(dominance(front, other))


def test_fronts_of_one_network():
    assert dominance([Candidate(1, 0.9, 0.9)], [Candidate(2, 0.5, 0.6)]) == pytest.approx(0.3)


def test_a_front_that_begins_too_late_is_no_comparison():
    with pytest.raises(ValueError, match="no network"):
        dominance([Candidate(3, 0.9, 0.9)], [Candidate(2, 0.5, 0.6), Candidate(4, 0.6, 0.6)])


def test_share_dominated_asks_what_a_smaller_budget_buys():
    """The dearest network of the front below that cost, not the luckiest one."""
    front = [Candidate(1, 0.5, 0.9), Candidate(2, 0.6, 0.7)]
    assert share_dominated(front, [Candidate(1.5, 0.8, 0.8), Candidate(3, 0.8, 0.8)]) == 0.5


def test_share_dominated_needs_a_lower_cost():
    assert share_dominated([Candidate(2, 1, 1)], [Candidate(2, 0, 0), Candidate(3, 0, 0)]) == 0.5
