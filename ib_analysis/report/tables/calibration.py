"""The calibration table: estimates of known information beside their truths."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import measured_text
from ib_analysis.information.tables.validation import ValidationRow, errors_text
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "Error: estimate less truth, in standard errors of both together and in per cent of the truth. A case passes "
    "within 3 of either. The truth of a teacher is itself a mean over images, with the standard error that is shown."
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
