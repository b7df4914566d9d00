"""The calibration table: estimates of known information and their true values."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import measured_text
from ib_analysis.information.tables.validation import ValidationRow, errors_text
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "Error: estimate minus truth, in combined standard errors and in per cent of the truth. A case passes if one "
    "of the two is within 3. The truth of a teacher is a mean over images, with the standard error shown."
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
        f"{row.n:,}",
        f"{row.seconds:,.1f}",
    )
