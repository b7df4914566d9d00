"""The table of what CE(x) is made of."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import bits_text, measured_text
from ib_analysis.information.tables.mixture import ComponentRow
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "CE(x) is that of a mixture of densities of x, one for the whole experiment. Its components are p(x) and, of the "
    "points that lower it most, the mixture of p(x|h) over the h of the decoder part, of which the terms with the "
    "nearest h are summed for an image (the others would lower it further). Points and weights are chosen on the "
    "held-out share of the decoder part. Each line but the last: what that component alone gives, fit by fit."
)


def mixture_table(rows: Sequence[ComponentRow]) -> Table:
    """One row for each component and fit, and one for all of them together."""
    columns = (
        Column("component"),
        Column("fit"),
        Column("weight", number=True),
        Column("held-out cross-entropy", "bits", True),
        Column("CE(x)", "bits", True),
        Column("n", "images", True),
    )
    return Table(columns, tuple(_row(row) for row in rows), NOTE)


def _row(row: ComponentRow) -> tuple[str, ...]:
    return (
        row.component,
        row.variant,
        f"{row.weight:.3f}",
        bits_text(row.holdout_bits),
        measured_text(row.bits, row.stderr_bits),
        f"{row.n_images:,}",
    )
