"""Intervals for an information, from cases where it is known: what the decoders themselves are wrong by.

A decoder reads of a new image less than h says, for it has learned from few; of the images that it was fitted to it
reads more, for it has learned them by heart. Both are cross-entropy differences, and the truth tends to lie between or
near them. How near, the calibration cases tell.
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
WEIGHTS = np.linspace(0.0, 1.5, 151)


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
    """What the cases say: how much of the memorised difference is information, and how far the truth may lie.

    `reach_low` and `reach_high` are in units of `unit`; `cases` of them decided.
    """

    weight: float
    reach_low: float
    reach_high: float
    cases: int

    def interval(self, measured: Measured, level: float = LEVEL) -> Interval:
        """The interval in nats: the decoders' own error and that over images and fits, in quadrature on each side."""
        centre = measured.centre(self.weight)
        sampling = float(stats.norm.ppf((1.0 + level) / 2.0)) * measured.stderr
        own = unit(centre)
        return Interval(
            centre - math.hypot(self.reach_low * own, sampling),
            centre + math.hypot(self.reach_high * own, sampling),
        )


def unit(information: float) -> float:
    """max(half a bit, 15 % of the information), in nats.

    >>> round(unit(nats(2.0)) / nats(1.0), 3), round(unit(nats(10.0)) / nats(1.0), 3)
    (0.5, 1.5)
    """
    return max(SMALLEST_UNIT_NATS, UNIT_SHARE * abs(information))


def calibrate(cases: Sequence[Case], level: float = LEVEL) -> Calibration:
    """The weight that brings most cases near their truth, and the reach that holds so many of them.

    The weight minimises the mean over cases of min(|miss| / unit, 2). The reach on each side is the conformal quantile
    of the misses on that side: the ceil((n + 1) (1 + level) / 2)-th smallest of n, or the largest where n is too small
    for that; a new case that is exchangeable with these lies beyond either with (1 - level) / 2 each.

    Args:
        cases: whose truth is known; not the one that will be judged.
        level: probability to be covered.

    Raises:
        UserError: fewer than two cases.

    Source: Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World, section 4.2 (split conformal).
    """
    check_level(level)
    if len(cases) < 2:
        raise UserError(f"{len(cases)} calibration cases tell no error: give two or more.")
    losses = [np.mean(np.minimum(np.abs(_misses(cases, w)), MOST_UNITS)) for w in WEIGHTS]
    weight = float(WEIGHTS[int(np.argmin(losses))])
    misses = np.sort(_misses(cases, weight))
    rank = min(len(cases), math.ceil((len(cases) + 1) * (1.0 + level) / 2.0))
    return Calibration(weight, max(0.0, -float(misses[-rank])), max(0.0, float(misses[rank - 1])), len(cases))


def _misses(cases: Sequence[Case], weight: float) -> Values:
    return np.array([case.miss(weight) / unit(case.measured.centre(weight)) for case in cases])


def judged(
    cases: Sequence[Case], apart: Callable[[Case], Hashable], level: float = LEVEL
) -> tuple[Interval, ...]:
    """The interval of each case, calibrated on those that are not `apart` with it: on others, or other families.

    Args:
        cases: all of them.
        apart: what those have in common that must not calibrate each other: the name, or the family.
        level: probability to be covered.
    """
    return tuple(
        calibrate([other for other in cases if apart(other) != apart(case)], level).interval(
            case.measured, level
        )
        for case in cases
    )


def inside(case: Case, interval: Interval, level: float = LEVEL) -> bool:
    """Whether the interval holds the truth, which may itself be uncertain."""
    slack = float(stats.norm.ppf((1.0 + level) / 2.0)) * case.stderr
    return interval.low <= case.high + slack and case.low - slack <= interval.high
