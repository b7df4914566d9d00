"""The information table with one row per point, and the table of the data set with one row per quantity."""

import math
from collections.abc import Collection, Mapping, Sequence

from ib_analysis.figures.style.number_text import measured_text
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.point import Point, Target
from ib_analysis.report.content import FitSummary
from ib_analysis.report.tables.table import OF_POINT, Column, Table

WARNED = (
    "§: few images carry most of the variance, so that the standard error may be too small (Cochran's rule, n at least "
    "25 skewness²), or the estimate is negative beyond its error, contradicts another, or lies beyond the ladder; "
    "information.csv names the case."
)
MEASURED = (
    Quantity.IMAGE_INFORMATION,
    Quantity.LABEL_INFORMATION,
    Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY,
    Quantity.CONDITIONAL_LABEL_CROSS_ENTROPY,
)
CALIBRATED = (
    "95 %: an interval for the information itself. Beside images and fits it takes in what these decoders are wrong by "
    "on the codes of the calibration ladder; it does not hold for an h that they cannot read, as signs of random "
    "projections. "
)
OF_DECODERS = (
    "95 %: an interval by Student's t on the degrees of freedom of that error. It does not hold what the decoders miss "
    "or invent: a calibration ladder, controls and known cases show that. "
)
FLAG = " †"
CONTROLS_FLAG = " ‡"
WARNING_FLAG = " §"


def dataset_table(rows: Sequence[InformationRow]) -> Table:
    """H(y), CE(x) and, where it is known, H(x)."""
    columns = (
        Column("quantity"),
        Column("value", "bits", True),
        Column("per dimension", "bits/dim", True),
        Column("bound"),
        Column("n", "images", True),
        Column("method"),
    )
    return Table(columns, tuple(_dataset_row(row) for row in rows if row.point is None))


def _dataset_row(row: InformationRow) -> tuple[str, ...]:
    return (
        str(row.quantity),
        measured_text(row.bits, row.stderr_bits),
        _per_dim(row),
        str(row.bound),
        f"{row.n_images:,}",
        row.method,
    )


def information_table(
    rows: Sequence[InformationRow],
    fits: Sequence[FitSummary] = (),
    failing: Collection[tuple[Point, Target]] = (),
) -> Table:
    """One row for each (encoder, regime, seed, epoch, tap).

    A dagger marks a fit that was still improving, a double dagger a point with a failed control (`failing` holds the
    points and targets), a section sign a number with a warning.
    """
    points = _points(rows)
    exact = any(row.bound is Bound.EXACT and row.tap for row in rows)
    bounds = _bounds(rows)
    columns = (
        *OF_POINT,
        *(Column(_head(quantity, bounds), "bits", True) for quantity in MEASURED),
        Column("I(x;h) per dimension", "bits/dim", True),
        Column("95 % of I(x;h)", "bits", True),
        Column("95 % of I(y;h)", "bits", True),
        *((Column("exact I(x;h)", "bits", True), Column("exact I(y;h)", "bits", True)) if exact else ()),
        Column("n", "images", True),
    )
    short = {(fit.point, fit.target) for fit in fits if fit.point is not None and not fit.near_plateau}
    flags = {point: _flags(point, short, failing) for point in points}
    body = tuple(_row(point, found, exact, flags[point]) for point, found in points.items())
    note = f"±: one standard error over {_sources(rows)}, paired by image for differences. "
    note += CALIBRATED if any(row.interval == "calibrated" for row in rows) else OF_DECODERS
    note += f"{FLAG.strip()}: the decoder was still improving when its budget ended. " if short else ""
    note += f"{CONTROLS_FLAG.strip()}: a control of this point fails. " if failing else ""
    note += WARNED if any(row.warnings for row in rows if row.tap) else ""
    return Table(columns, body, note.strip()).without_constant("encoder", "seed")


def _points(rows: Sequence[InformationRow]) -> dict[Point, dict[tuple[Quantity, bool], InformationRow]]:
    """Rows of each point by (quantity, whether it is the exact value)."""
    points: dict[Point, dict[tuple[Quantity, bool], InformationRow]] = {}
    for row in rows:
        if row.point is not None:
            points.setdefault(row.point, {})[row.quantity, row.bound is Bound.EXACT] = row
    return points


def _bounds(rows: Sequence[InformationRow]) -> dict[Quantity, str]:
    kinds: dict[Quantity, set[str]] = {}
    for row in rows:
        if row.tap and row.bound is not Bound.EXACT:
            kinds.setdefault(row.quantity, set()).add(
                "estimate" if row.bound is Bound.NONE else f"{row.bound} bound"
            )
    return {quantity: " or ".join(sorted(found)) for quantity, found in kinds.items()}


def _head(quantity: Quantity, bounds: dict[Quantity, str]) -> str:
    return f"{quantity}, {bounds[quantity]}" if quantity in bounds else str(quantity)


def _row(
    point: Point,
    found: dict[tuple[Quantity, bool], InformationRow],
    exact: bool,
    flags: Mapping[Quantity, str],
) -> tuple[str, ...]:
    values = [_value(found.get((quantity, False)), flags[quantity]) for quantity in MEASURED]
    truths = [_value(found.get((q, True)), "") for q in MEASURED[:2]] if exact else []
    image = found.get((Quantity.IMAGE_INFORMATION, False))
    counts = sorted({row.n_images for row in found.values()})
    intervals = [_interval(found.get((quantity, False))) for quantity in MEASURED[:2]]
    return (
        *map(str, point),
        *values,
        _per_dim(image),
        *intervals,
        *truths,
        " / ".join(f"{n:,}" for n in counts),
    )


def _interval(row: InformationRow | None) -> str:
    if row is None:
        return "–"
    digits = max(0, min(3, 1 - math.floor(math.log10(row.stderr_bits)))) if row.stderr_bits else 2
    return f"{row.low_bits:,.{digits}f} to {row.high_bits:,.{digits}f}"


def _sources(rows: Sequence[InformationRow]) -> str:
    fits = {row.n_fits for row in rows if row.tap and row.n_fits}
    if any(row.tap and row.stderr_fits_bits is not None for row in rows):
        return f"images and over the {max(fits)} fits whose probabilities are averaged"
    return "images alone: each decoder was fitted once, and the error over fits is unknown"


def _flags(
    point: Point, short: Collection[tuple[Point, Target]], failing: Collection[tuple[Point, Target]]
) -> dict[Quantity, str]:
    """The marks of each quantity of a point."""
    return {
        quantity: (FLAG if (point, quantity.target) in short else "")
        + (CONTROLS_FLAG if (point, quantity.target) in failing else "")
        for quantity in MEASURED
    }


def _value(row: InformationRow | None, flag: str) -> str:
    if row is None:
        return ""
    return measured_text(row.bits, row.stderr_bits) + flag + (WARNING_FLAG if row.warnings else "")


def _per_dim(row: InformationRow | None) -> str:
    return "" if row is None or row.bits_per_dim is None else f"{row.bits_per_dim:.4f}"
