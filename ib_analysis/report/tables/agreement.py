"""Where the estimators agree: the order of the points, and which taps rise or fall."""

from collections.abc import Sequence

from ib_analysis.information.tables.agreement import Agreement
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "Order: Kendall's tau of all points with the decoders' estimate, 1 the same order, -1 the opposite; – where it is "
    "not defined (one of the two is constant). Rises: taps whose last checkpoint lies above the first beyond two "
    "standard errors; falls: taps whose last checkpoint lies below the highest by as much. The highest is chosen on "
    "the same images, so that a fall near two standard errors is weak evidence: the verdicts above are cross-fitted, "
    "these are not."
)


def agreement_table(rows: Sequence[Agreement]) -> Table:
    """One row for each network, quantity and method."""
    columns = (
        Column("encoder"),
        Column("regime"),
        Column("seed", number=True),
        Column("quantity"),
        Column("method"),
        Column("points", number=True),
        Column("order", number=True),
        Column("rises at"),
        Column("falls at"),
    )
    return Table(columns, tuple(_row(row) for row in rows), NOTE).without_constant("encoder", "seed")


def _row(row: Agreement) -> tuple[str, ...]:
    return (
        row.encoder,
        row.regime,
        "" if row.seed is None else str(row.seed),
        str(row.quantity),
        row.method.replace("_", " "),
        str(row.points),
        "–" if row.tau is None else f"{row.tau:.2f}",
        row.rises or "–",
        row.falls or "–",
    )
