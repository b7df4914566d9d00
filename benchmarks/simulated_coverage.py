"""How often the intervals, bands and tests are right, counted on images whose information is known.

Each function repeats a whole measurement with new images and returns in which share of the repetitions something held.
The figures, and the command that prints them: `docs/validation.md`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from benchmarks.known_curves import Curve, Values
from ib_analysis.information.inference.confidence_interval import LEVEL, confidence_interval
from ib_analysis.information.inference.network_stages import ALPHA, Curves, network_stages
from ib_analysis.information.inference.simultaneous_bands import simultaneous_band

NORMAL_QUANTILE = float(stats.norm.ppf((1.0 + LEVEL) / 2.0))


@dataclass(frozen=True)
class Share:
    """Of `repetitions` independent ones, the share in which something held."""

    value: float
    repetitions: int

    @property
    def margin(self) -> float:
        """Half the 95 % interval of the true probability, by the normal approximation of the binomial.

        >>> round(Share(0.95, 10_000).margin, 4)
        0.0043
        """
        return NORMAL_QUANTILE * float(np.sqrt(self.value * (1.0 - self.value) / self.repetitions))


class IntervalCoverage(NamedTuple):
    """How often a 95 % interval covers: by Student's quantile, and by the normal one."""

    student: Share
    normal: Share


class BandCoverage(NamedTuple):
    """How often all points of a curve are covered: by the simultaneous band, and by intervals of single points."""

    band: Share
    pointwise: Share


def interval_coverage(curve: Curve, n: int, repetitions: int, seed: int = 0) -> list[IntervalCoverage]:
    """Coverage of the intervals of each point of a curve, taken alone."""

    def covers(rng: np.random.Generator) -> tuple[bool, ...]:
        given, conditional = curve.sample(n, rng)
        found = [curve.estimate(given, nats) for nats in conditional]
        points = list(zip(found, curve.truth_nats, strict=True))
        student = [_within(truth, confidence_interval(e.value, e.stderr, n)) for e, truth in points]
        normal = [bool(abs(truth - e.value) <= NORMAL_QUANTILE * e.stderr) for e, truth in points]
        return (*student, *normal)

    shares, points = _shares(covers, repetitions, seed), len(curve.truth_nats)
    return [IntervalCoverage(*pair) for pair in zip(shares[:points], shares[points:], strict=True)]


def band_coverage(curve: Curve, n: int, repetitions: int, seed: int = 0) -> BandCoverage:
    """Coverage of a whole curve."""

    def covers(rng: np.random.Generator) -> tuple[bool, bool]:
        given, conditional = curve.sample(n, rng)
        band = simultaneous_band(curve.marginal_nats(given) - conditional)
        ends = zip(band.low_nats, band.high_nats, strict=True)
        points = [confidence_interval(m, se, n) for m, se in zip(band.nats, band.stderr_nats, strict=True)]
        return _all_within(curve.truth_nats, list(ends)), _all_within(curve.truth_nats, points)

    return BandCoverage(*_shares(covers, repetitions, seed))


def false_alarms(curve: Curve, n: int, repetitions: int, seed: int = 0) -> Share:
    """Type-I error over images of the test of compression, on a flat curve of one network and one fit."""

    def alarm(rng: np.random.Generator) -> tuple[bool]:
        found = network_stages({curve.name: _curves(curve, n, rng)})
        return (found[curve.name].compression.p_value <= ALPHA,)

    return _shares(alarm, repetitions, seed)[0]


def family_false_alarms(curves: Sequence[Curve], n: int, repetitions: int, seed: int = 0) -> Share:
    """How often any of a network's flat taps has a significant gain, in either stage, after Holm."""

    def alarm(rng: np.random.Generator) -> tuple[bool]:
        found = network_stages({tap: _curves(curve, n, rng) for tap, curve in enumerate(curves)})
        stages = [stage for two in found.values() for stage in (two.fitting, two.compression)]
        return (any(stage.p_holm <= ALPHA for stage in stages),)

    return _shares(alarm, repetitions, seed)[0]


def gain_coverage(curve: Curve, n: int, repetitions: int, seed: int = 0) -> Share:
    """How often the interval of the compression covers the true one, peak of the true curve less its last point."""
    gain = float(curve.truth_nats.max() - curve.truth_nats[-1])

    def covers(rng: np.random.Generator) -> tuple[bool]:
        stage = network_stages({curve.name: _curves(curve, n, rng)})[curve.name].compression
        return (_within(gain, (stage.low_nats, stage.high_nats)),)

    return _shares(covers, repetitions, seed)[0]


def _shares(
    holds: Callable[[np.random.Generator], tuple[bool, ...]], repetitions: int, seed: int
) -> list[Share]:
    """In which share of the repetitions each of several things held."""
    rng = np.random.default_rng(seed)
    held = np.array([holds(rng) for _ in range(repetitions)])
    return [Share(float(value), repetitions) for value in held.mean(axis=0)]


def _curves(curve: Curve, n: int, rng: np.random.Generator) -> Curves:
    """The points of the curve taken for the epochs of one network that is fitted once."""
    given, conditional = curve.sample(n, rng)
    contributions = curve.marginal_nats(given) - np.asarray(conditional)
    return Curves(tuple(range(len(conditional))), (contributions[np.newaxis],))


def _all_within(truths: Values, ends: Sequence[tuple[float, float]]) -> bool:
    return all(_within(truth, pair) for truth, pair in zip(truths, ends, strict=True))


def _within(truth: float, ends: tuple[float, float]) -> bool:
    return bool(ends[0] <= truth <= ends[1])
