"""Intervals for an information, from cases where it is known: what the decoders themselves are wrong by.

A decoder reads of a new image less than h says, for it has learned from few. Of the images that it was fitted to it
mostly reads more, for it has learned them by heart; where h tells nearly the whole image it reads less. Both are
cross-entropy differences. How near the truth lies, the calibration cases tell.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import LEVEL, check_level
from ib_analysis.information.inference.fit_checks import Interval
from ib_analysis.units import nats

Values = NDArray[np.float64]
# Errors are counted in units of max(half a bit, 15 % of the information): the largest half-width that is of use.
SMALLEST_UNIT_NATS = nats(0.5)
UNIT_SHARE = 0.15
# An error beyond so many units weighs no more when the weight is chosen: a code that no decoder can read must not bend
# the intervals of all others.
MOST_UNITS = 2.0
# The truth is drawn at most as far as what is learned by heart.
WEIGHTS = np.linspace(0.0, 1.0, 101)
FEWEST = 3


@dataclass(frozen=True)
class Measured:
    """An information in nats per image: of new images, of the images that were fitted, and the error of the former."""

    information: float
    memorised: float
    stderr: float

    def centre(self, weight: float) -> float:
        """The information of new images, drawn towards that of the fitted ones."""
        return self.information + weight * (self.memorised - self.information)


@dataclass(frozen=True)
class Case:
    """A measurement whose truth is known to lie from `low` to `high`, with the error of that knowledge, in nats.

    Cases of one `family` are made in one way: none of them may calibrate another of them where families are judged.
    """

    name: str
    family: str
    measured: Measured
    low: float
    high: float
    stderr: float = 0.0

    def miss(self, weight: float) -> float:
        """How far the truth lies above the centre, in nats; negative where below, 0 where the centre may be it."""
        centre = self.measured.centre(weight)
        return max(self.low - centre, 0.0) + min(self.high - centre, 0.0)


@dataclass(frozen=True)
class Calibration:
    """What the cases say: how much of the memorised difference is information, and how far a truth lies from there.

    In units of `unit`, the truth of another case lies `bias` above the centre, give or take `reach`. `cases` decided;
    their largest truth is `largest` nats, beyond which the unit is extrapolated.
    """

    weight: float
    bias: float
    reach: float
    cases: int
    largest: float

    def interval(self, measured: Measured, level: float = LEVEL) -> Interval:
        """The interval in nats: the decoders' own error and that over images and fits, in quadrature.

        It holds the estimate of new images as well, and no negative information but below a negative estimate.
        """
        centre = measured.centre(self.weight)
        own = unit(centre)
        sampling = float(stats.norm.ppf((1.0 + level) / 2.0)) * measured.stderr
        half, middle = math.hypot(self.reach * own, sampling), centre + self.bias * own
        estimate = measured.information
        return Interval(
            min(max(middle - half, 0.0), estimate - sampling), max(middle + half, estimate + sampling)
        )


def unit(information: float) -> float:
    """max(half a bit, 15 % of the information), in nats.

    >>> round(unit(nats(2.0)) / nats(1.0), 3), round(unit(nats(10.0)) / nats(1.0), 3)
    (0.5, 1.5)
    """
    return max(SMALLEST_UNIT_NATS, UNIT_SHARE * abs(information))


def calibrate(cases: Sequence[Case], level: float = LEVEL) -> Calibration:
    """The weight that brings most cases near their truth, and where the truth of a further case is to be expected.

    The weight minimises the mean over cases of min(|miss| / unit, 2). `bias` and `reach` are those of the prediction
    interval for one more case: m and t s sqrt(1 + 1/n), with the mean m and the deviation s of the misses in units, and
    t the quantile of Student's law. Weight and mean are fitted, so n - 2 degrees of freedom are left.

    Args:
        cases: whose truth is known; not the one that will be judged.
        level: probability to be covered.

    Raises:
        UserError: fewer than three cases.

    Source: Geisser 1993, Predictive Inference, section 2.2.1.
    """
    check_level(level)
    if len(cases) < FEWEST:
        raise UserError(f"{len(cases)} calibration cases tell no error: give {FEWEST} or more.")
    losses = [np.mean(np.minimum(np.abs(_misses(cases, w)), MOST_UNITS)) for w in WEIGHTS]
    weight = float(WEIGHTS[int(np.argmin(losses))])
    misses, n = _misses(cases, weight), len(cases)
    t = float(stats.t.ppf((1.0 + level) / 2.0, n - 2))
    reach = t * float(misses.std(ddof=2)) * math.sqrt(1.0 + 1.0 / n)
    return Calibration(weight, float(misses.mean()), reach, n, max(case.high for case in cases))


def _misses(cases: Sequence[Case], weight: float) -> Values:
    return np.array([case.miss(weight) / unit(case.measured.centre(weight)) for case in cases])


def judged(
    cases: Sequence[Case],
    calibrating: Sequence[Case],
    apart: Callable[[Case], Hashable],
    level: float = LEVEL,
) -> tuple[Interval, ...]:
    """The interval of each case, by those that calibrate and are not `apart` with it: others, or other families.

    Args:
        cases: those that are judged.
        calibrating: those that give the intervals; they may be the same.
        apart: what those have in common that must not calibrate each other: the name, or the family.
        level: probability to be covered.
    """
    return tuple(
        calibrate([other for other in calibrating if apart(other) != apart(case)], level).interval(
            case.measured, level
        )
        for case in cases
    )


def inside(case: Case, interval: Interval, level: float = LEVEL) -> bool:
    """Whether the interval holds the truth, which may itself be uncertain."""
    slack = float(stats.norm.ppf((1.0 + level) / 2.0)) * case.stderr
    return interval.low <= case.high + slack and case.low - slack <= interval.high
