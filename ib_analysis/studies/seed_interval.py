"""A mean over seeds and its confidence interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ib_analysis.information.confidence_interval import LEVEL, student_quantile
from ib_analysis.studies.verdict import Answer


@dataclass(frozen=True)
class SeedInterval:
    """A mean over n seeds; with fewer than two there is no standard error, and the interval is everything."""

    mean: float
    stderr: float | None
    n: int

    @property
    def half_width(self) -> float:
        """Reach of the 95 % interval, with Student's t of n - 1 degrees of freedom."""
        return math.inf if self.stderr is None else student_quantile(LEVEL, self.n) * self.stderr

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


def is_positive(*intervals: SeedInterval) -> Answer:
    """Whether all means are above 0: yes or no where the intervals tell, else unclear.

    >>> [is_positive(SeedInterval(mean, 0.5, 5)) for mean in (3.0, -3.0, 1.0)]
    ['yes', 'no', 'unclear']
    """
    if any(interval.high < 0 for interval in intervals):
        return "no"
    return "yes" if all(interval.low > 0 for interval in intervals) else "unclear"
