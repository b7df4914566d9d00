"""The Pareto front of cost and accuracy, and the distance between two fronts.

Networks are selected on validation images and reported on evaluation images. Selecting the best of many on the
reported images would be biased upwards, the more so the more networks there are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Candidate:
    """One trained network."""

    cost: float
    """Above 0."""
    validation: float
    """Accuracy by which networks are selected."""
    accuracy: float
    """Reported accuracy."""


def pareto_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates that no other matches in validation accuracy at the same or lower cost, by increasing cost.

    >>> a, b, c = Candidate(1, 0.8, 0.7), Candidate(2, 0.6, 0.9), Candidate(3, 0.9, 0.8)
    >>> pareto_front([c, b, a]) == [a, c]
    True
    """
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda each: (each.cost, -each.validation)):
        if not front or candidate.validation > front[-1].validation:
            front.append(candidate)
    return front


def height(front: Sequence[Candidate], budget: float) -> float:
    """Accuracy of the most expensive network of the front within a budget.

    Raises:
        ValueError: no network is within the budget.

    >>> height([Candidate(1, 0.8, 0.7), Candidate(3, 0.9, 0.8)], 2)
    0.7
    """
    affordable = [each for each in front if each.cost <= budget]
    if not affordable:
        raise ValueError(f"no network costs {budget:g} or less")
    return affordable[-1].accuracy


def dominance(front: Sequence[Candidate], other: Sequence[Candidate]) -> float:
    """The mean difference of accuracy between two fronts at equal cost.

    This is the mean of the difference of `height` over log cost, from the cheapest to the most expensive network of the
    other front. Both are step functions, so the mean is exact. Pareto dominance means that the difference is positive
    everywhere; this is its size. A front of one network is compared at its cost.

    Raises:
        ValueError: the first front has no network within the smallest of these budgets.

    >>> cheap = [Candidate(1, 0.9, 0.9)]
    >>> round(dominance(cheap, [Candidate(2, 0.5, 0.5), Candidate(4, 0.8, 0.8)]), 12)
    0.4
    """
    budgets = sorted({other[0].cost, *(each.cost for each in (*front, *other))})
    budgets = [budget for budget in budgets if other[0].cost <= budget <= other[-1].cost]
    if len(budgets) == 1:
        return height(front, budgets[0]) - height(other, budgets[0])
    steps = [
        (height(front, start) - height(other, start)) * math.log(end / start)
        for start, end in pairwise(budgets)
    ]
    return sum(steps) / math.log(budgets[-1] / budgets[0])


def share_dominated(front: Sequence[Candidate], others: Sequence[Candidate]) -> float:
    """Fraction of other networks for which the front has one that costs less and is more accurate.

    It is the last of the cheaper ones, which validation images prefer. To select it on evaluation images would be
    biased upwards.

    >>> chosen, lucky = Candidate(1, 0.9, 0.7), Candidate(1, 0.8, 0.9)
    >>> share_dominated(pareto_front([chosen, lucky]), [Candidate(2, 0.6, 0.6), Candidate(2, 0.8, 0.8)])
    0.5
    """
    return sum(_is_dominated(front, other) for other in others) / len(others)


def _is_dominated(front: Sequence[Candidate], other: Candidate) -> bool:
    cheaper = [each for each in front if each.cost < other.cost]
    return bool(cheaper) and cheaper[-1].accuracy > other.accuracy
