"""A mean over seeds, its confidence interval, and the rules by which intervals answer.

A yes needs the whole interval on one side of a limit, or within a margin; a no needs it on the other side, or outside;
all else is unclear. So one seed, whose interval is everything, decides nothing.
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
    """A mean over n seeds; with fewer than two there is no standard error, and the interval is everything."""

    mean: float
    stderr: float | None
    n: int

    @property
    def half_width(self) -> float:
        """Reach of the 95 % interval."""
        return self.reach(LEVEL)

    def reach(self, level: float) -> float:
        """Half the interval that covers with that probability, with Student's t of n - 1 degrees of freedom."""
        return math.inf if self.stderr is None else student_quantile(level, self.n) * self.stderr

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half_width


def over_seeds(values: Sequence[float]) -> SeedInterval:
    """The mean of one value a seed, with s / sqrt(n).

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
    """Whether a mean is no further than a margin from a target: an equivalence test.

    >>> [lies_within(SeedInterval(mean, 0.1, 5), 2.0, 0.5) for mean in (2.1, 3.0, 2.5)]
    ['yes', 'no', 'unclear']
    """
    low, high = found.low - target, found.high - target
    return _answer(-margin < low and high < margin, low > margin or high < -margin)


def is_positive(*intervals: SeedInterval) -> Answer:
    """Whether all means are above 0: yes where every interval lies above, no where some interval lies below.

    A no may come from any of k intervals, so they are those of the level 1 - 0.05 / k (Bonferroni): k means of 0 give
    a wrong no no oftener than one would. A yes needs no correction, for all k must agree.

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
    """The level at which so many intervals all cover with 95 % (Bonferroni).

    >>> joint_level(1), round(joint_level(10), 12)
    (0.95, 0.995)
    """
    return 1 - (1 - LEVEL) / count


def joint_rule(count: int) -> str:
    """The rule of `is_positive` in words, for so many intervals.

    >>> joint_rule(2)
    'yes where every interval lies above 0, no where one of the 2 lies below at 97.5 % (Bonferroni)'
    """
    return (
        f"yes where every interval lies above 0, no where one of the {count} lies below at "
        f"{100 * joint_level(count):.4g} % (Bonferroni)"
    )


def interval_text(found: SeedInterval) -> str:
    """The interval in words.

    >>> interval_text(SeedInterval(1.0, 0.5, 5)), interval_text(SeedInterval(1.0, None, 1))
    ('95 % interval over 5 seeds -0.3882 to 2.388', 'one seed, which decides nothing')
    """
    if found.stderr is None:
        return "one seed, which decides nothing"
    return f"95 % interval over {found.n} seeds {found.low:.4g} to {found.high:.4g}"


def _answer(held: bool, missed: bool) -> Answer:
    return "yes" if held else "no" if missed else "unclear"
