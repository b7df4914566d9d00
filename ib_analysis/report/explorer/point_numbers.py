"""The numbers of a point in bits, of one network or as the mean over the seeds of an encoder, and in words."""

import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ib_analysis.figures.style.number_text import bits_text
from ib_analysis.information.inference.confidence_interval import confidence_interval
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.point import Point, Target
from ib_analysis.report.content import FitSummary

SHOWN = (
    Quantity.IMAGE_INFORMATION,
    Quantity.LABEL_INFORMATION,
    Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY,
    Quantity.CONDITIONAL_LABEL_CROSS_ENTROPY,
)
CEILINGS = (Quantity.LABEL_ENTROPY, Quantity.IMAGE_CROSS_ENTROPY, Quantity.IMAGE_ENTROPY)
LIMIT = {
    Quantity.IMAGE_INFORMATION: Quantity.IMAGE_CROSS_ENTROPY,
    Quantity.LABEL_INFORMATION: Quantity.LABEL_ENTROPY,
}
"""What an information is given as a share of."""


@dataclass(frozen=True)
class Interval:
    """A number in bits with its 95 % interval, and what the interval covers."""

    bits: float
    low: float
    high: float
    over: str


@dataclass(frozen=True)
class Address:
    """The place of numbers in the explorer; seed None is the mean over seeds."""

    encoder: str
    regime: str
    seed: int | None
    epoch: int
    tap: str


@dataclass(frozen=True)
class Numbers:
    """All numbers at one address: measured, known in closed form, and as sentences."""

    address: Address
    measured: Mapping[Quantity, Interval]
    exact: Mapping[Quantity, float]
    words: tuple[str, ...]


def ceilings(rows: Sequence[InformationRow]) -> dict[Quantity, float]:
    """H(y), CE(x) and, where it is known, H(x), in bits."""
    return {row.quantity: row.bits for row in rows if row.point is None and row.quantity in CEILINGS}


def numbers(
    rows: Sequence[InformationRow],
    fits: Sequence[FitSummary] = (),
    failing: Mapping[tuple[Point, Target], Collection[str]] | None = None,
) -> list[Numbers]:
    """The numbers of every point, then those of the mean over seeds wherever there are several.

    Args:
        rows: information.csv.
        fits: which decoders were still improving.
        failing: the names of the controls that fail, by point and target.
    """
    short = {(fit.point, fit.target) for fit in fits if fit.point is not None and not fit.near_plateau}
    limits = ceilings(rows)
    by_point: dict[Point, list[InformationRow]] = {}
    for row in rows:
        if row.point is not None:
            by_point.setdefault(row.point, []).append(row)
    found = [_of_point(point, own, limits, short, failing or {}) for point, own in by_point.items()]
    return [*found, *_means(found, limits)]


def _of_point(
    point: Point,
    rows: Sequence[InformationRow],
    limits: Mapping[Quantity, float],
    short: Collection[tuple[Point, Target]],
    failing: Mapping[tuple[Point, Target], Collection[str]],
) -> Numbers:
    estimates = [row for row in rows if row.bound is not Bound.EXACT and row.quantity in SHOWN]
    measured = {
        row.quantity: Interval(row.bits, row.low_bits, row.high_bits, _over(row)) for row in estimates
    }
    exact = {row.quantity: row.bits for row in rows if row.bound is Bound.EXACT}
    marks = [*_marks(point, short, failing), *_warnings(estimates)]
    return Numbers(Address(*point), measured, exact, (*_sentences(measured, exact, limits), *marks))


def _over(row: InformationRow) -> str:
    if row.interval == "calibrated":
        return f"{row.n_images:,} images, {row.n_fits} fits and the codes of the calibration ladder"
    if row.interval == "images and fits":
        return f"{row.n_images:,} images and {row.n_fits} fits"
    return f"{row.n_images:,} images alone, of one fit"


def _marks(
    point: Point,
    short: Collection[tuple[Point, Target]],
    failing: Mapping[tuple[Point, Target], Collection[str]],
) -> Iterator[str]:
    for target in ("image", "label"):
        if (point, target) in short:
            yield f"†: the decoder of the {target} was still improving when its budget ended."
        if controls := failing.get((point, target)):
            yield f"‡: of the {target}, a control of this point fails: {', '.join(controls)}."


def _warnings(rows: Sequence[InformationRow]) -> list[str]:
    return list(dict.fromkeys(f"§ {row.quantity}: {row.warnings}" for row in rows if row.warnings))


def _sentences(
    measured: Mapping[Quantity, Interval], exact: Mapping[Quantity, float], limits: Mapping[Quantity, float]
) -> Iterator[str]:
    for quantity in SHOWN[:2]:
        if (number := measured.get(quantity)) is not None:
            yield _sentence(quantity, number, limits) + _truth(exact.get(quantity))


def _sentence(quantity: Quantity, number: Interval, limits: Mapping[Quantity, float]) -> str:
    """A number with its interval, as a share of the most that it could be."""
    interval = f"95 % interval {bits_text(number.low)} to {bits_text(number.high)}, over {number.over}"
    limit = limits.get(LIMIT[quantity])
    share = f"; {number.bits / limit:.0%} of {LIMIT[quantity]} = {bits_text(limit)}" if limit else ""
    return f"{quantity} is {bits_text(number.bits)} bits ({interval}){share}."


def _truth(bits: float | None) -> str:
    return "" if bits is None else f" The truth is {bits_text(bits)} bits."


def _means(found: Sequence[Numbers], limits: Mapping[Quantity, float]) -> Iterator[Numbers]:
    groups: dict[Address, list[Numbers]] = {}
    for one in found:
        a = one.address
        groups.setdefault(Address(a.encoder, a.regime, None, a.epoch, a.tap), []).append(one)
    for address, group in groups.items():
        if len(group) > 1:
            measured = {
                quantity: _mean([one.measured[quantity] for one in group])
                for quantity in SHOWN
                if all(quantity in one.measured for one in group)
            }
            seeds = ", ".join(str(one.address.seed) for one in group)
            marked = [one.address.seed for one in group if any(word[0] in "†‡§" for word in one.words)]
            marks = (
                [f"Marked at seed {', '.join(map(str, marked))}: choose it to read why."] if marked else []
            )
            words = (*_sentences(measured, {}, limits), f"Mean over seeds {seeds}.", *marks)
            yield Numbers(address, measured, {}, words)


def _mean(values: Sequence[Interval]) -> Interval:
    """The mean over networks with its 95 % interval by Student's t."""
    bits = [value.bits for value in values]
    stderr = statistics.stdev(bits) / len(bits) ** 0.5
    mean = statistics.fmean(bits)
    return Interval(mean, *confidence_interval(mean, stderr, len(bits)), f"{len(bits)} networks")
