"""Agreement of the estimators: the order of the points, and the taps that rise or fall."""

from collections.abc import Sequence

from ib_analysis.information.tables.agreement import Agreement
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "Order: Kendall's tau between all points and the decoders' estimates; 1: same order, -1: opposite order, –: "
    "undefined (one of the two is constant). Rises: taps whose last checkpoint exceeds the first by more than two "
    "standard errors. Falls: taps whose last checkpoint is below the maximum by more than two standard errors. The "
    "maximum is selected on the same images, so a fall near two standard errors is weak evidence; unlike these, the "
    "verdicts above are cross-fitted."
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
