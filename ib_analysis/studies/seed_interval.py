"""A mean over seeds, its confidence interval, and the decision rules for intervals.

The answer is yes if the interval lies on one side of a limit, or within a margin, no if it lies on the other side, or
outside the margin, and unclear otherwise. The interval of a single seed is infinite, so it decides nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ib_analysis.information.inference.confidence_interval import LEVEL, student_quantile

Answer = Literal["yes", "no", "unclear"]


@dataclass(frozen=True)
class SeedInterval:
    """A mean over n seeds; with fewer than two seeds it has no standard error and an infinite interval."""

    mean: float
    stderr: float | None
    n: int

    @property
    def half_width(self) -> float:
        """Half-width of the 95 % interval."""
        return self.reach(LEVEL)

    def reach(self, level: float) -> float:
        """Half-width of the interval of the given level, by Student's t with n - 1 degrees of freedom."""
        return math.inf if self.stderr is None else student_quantile(level, self.n) * self.stderr

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.mean + self.half_width


def over_seeds(values: Sequence[float]) -> SeedInterval:
    """The mean of one value per seed, with standard error s / sqrt(n).

    >>> one = over_seeds([1.0, 2.0, 3.0])
    >>> one.mean, round(one.stderr, 4), round(one.low, 4)
    (2.0, 0.5774, -0.4841)
    """
    stderr = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
    return SeedInterval(float(np.mean(values)), stderr, len(values))


def lies_above(found: SeedInterval, limit: float) -> Answer:
    """Whether a mean is above a limit.

    >>> [lies_above(SeedInterval(mean, 0.5, 5), 1.0) for mean in (4.0, -2.0, 2.0)]
    ['yes', 'no', 'unclear']
    """
    return _answer(found.low > limit, found.high < limit)


def lies_below(found: SeedInterval, limit: float) -> Answer:
    """Whether a mean is below a limit."""
    return _answer(found.high < limit, found.low > limit)


def lies_within(found: SeedInterval, target: float, margin: float) -> Answer:
    """Whether a mean lies within a margin of a target: an equivalence test.

    >>> [lies_within(SeedInterval(mean, 0.1, 5), 2.0, 0.5) for mean in (2.1, 3.0, 2.5)]
    ['yes', 'no', 'unclear']
    """
    low, high = found.low - target, found.high - target
    return _answer(-margin < low and high < margin, low > margin or high < -margin)


def is_positive(*intervals: SeedInterval) -> Answer:
    """Whether all means are positive: yes if every interval lies above 0, no if some interval lies below 0.

    Each of k intervals may cause a no, so for a no they have the level 1 - 0.05 / k (Bonferroni), which keeps the
    probability of a false no at that of one interval. A yes needs no correction, because all k must agree.

    >>> [is_positive(SeedInterval(mean, 0.5, 5)) for mean in (3.0, -3.0, 1.0)]
    ['yes', 'no', 'unclear']
    >>> below, above = SeedInterval(-1.5, 0.5, 5), SeedInterval(3.0, 0.5, 5)
    >>> is_positive(below), is_positive(below, above)
    ('no', 'unclear')
    """
    level = joint_level(len(intervals))
    below = any(interval.mean + interval.reach(level) < 0 for interval in intervals)
    return _answer(all(interval.low > 0 for interval in intervals), below)


def joint_level(count: int) -> float:
    """The level at which `count` intervals jointly have a coverage of 95 % (Bonferroni).

    >>> joint_level(1), round(joint_level(10), 12)
    (0.95, 0.995)
    """
    return 1 - (1 - LEVEL) / count


def joint_rule(count: int) -> str:
    """The rule of `is_positive` for `count` intervals, as text.

    >>> joint_rule(2)
    'yes if every interval lies above 0, no if one of the 2 lies below 0 at 97.5 % (Bonferroni)'
    """
    return (
        f"yes if every interval lies above 0, no if one of the {count} lies below 0 at "
        f"{100 * joint_level(count):.4g} % (Bonferroni)"
    )


def interval_text(found: SeedInterval) -> str:
    """The interval as text.

    >>> interval_text(SeedInterval(1.0, 0.5, 5)), interval_text(SeedInterval(1.0, None, 1))
    ('95 % interval over 5 seeds -0.3882 to 2.388', 'one seed, which decides nothing')
    """
    if found.stderr is None:
        return "one seed, which decides nothing"
    return f"95 % interval over {found.n} seeds {found.low:.4g} to {found.high:.4g}"


def _answer(held: bool, missed: bool) -> Answer:
    return "yes" if held else "no" if missed else "unclear"
