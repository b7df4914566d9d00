"""The calibration table: estimates of known information and their true values."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import bits_text, measured_text
from ib_analysis.information.tables.validation import ValidationRow, errors_text
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "Error: estimate minus truth, in combined standard errors and in per cent of the truth. A case passes if one "
    "of the two is within 3. The truth of a teacher is a mean over images, with the standard error shown. Raw: by the "
    "decoder of h alone, before its mixture with p(x). 95 %: the interval that cases of other families (sources of "
    "images) give an information by the decoders; a family never calibrates its own. Inside: whether it holds the "
    "truth."
)


def calibration_table(rows: Sequence[ValidationRow]) -> Table:
    """One row for each case, quantity and method."""
    columns = (
        Column("case"),
        Column("quantity"),
        Column("method"),
        Column("truth", "bits", True),
        Column("estimate", "bits", True),
        Column("error", "standard errors", True),
        Column("error", "%", True),
        Column("verdict"),
        Column("raw", "bits", True),
        Column("95 %", "bits", True),
        Column("inside"),
        Column("family"),
        Column("n", "images", True),
        Column("time", "s", True),
    )
    return Table(columns, tuple(_row(row) for row in rows), NOTE)


def _row(row: ValidationRow) -> tuple[str, ...]:
    return (
        row.case,
        str(row.quantity),
        row.method.replace("_", " "),
        measured_text(row.truth_bits, row.truth_stderr_bits),
        measured_text(row.estimate_bits, row.stderr_bits),
        errors_text(row),
        "–" if row.per_cent is None else f"{row.per_cent:+.1f}",
        "passes" if row.good else "fails",
        "–" if row.raw_bits is None else bits_text(row.raw_bits),
        _interval(row),
        "–" if row.inside is None else "yes" if row.inside else "no",
        row.family,
        f"{row.n:,}",
        f"{row.seconds:,.1f}",
    )


def _interval(row: ValidationRow) -> str:
    if row.low_bits is None or row.high_bits is None:
        return "–"
    return f"{bits_text(row.low_bits)} to {bits_text(row.high_bits)}"
