"""The table of both kinds of images: those that the network has learned on, and new ones."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import bits_text
from ib_analysis.information.tables.learned import LearnedRow
from ib_analysis.report.tables.table import OF_POINT, Column, Table

NOTE = (
    "Both by the decoders alone, which were fitted to neither. I(x;h) is without the mixtures of the other tables, and "
    "so another number. H(y) is that of the labels of each kind. Brackets: 95 % intervals over images and fits; with "
    "one fit over images alone."
)


def learned_table(rows: Sequence[LearnedRow]) -> Table:
    """One row for each point and quantity."""
    columns = (
        *OF_POINT,
        Column("quantity"),
        Column("learned images", "bits", True),
        Column("new images", "bits", True),
        Column("difference", "bits", True),
        Column("n", "images", True),
    )
    table = Table(columns, tuple(_row(row) for row in rows), NOTE if rows else "")
    return table.without_constant("encoder", "seed")


def _row(row: LearnedRow) -> tuple[str, ...]:
    return (
        *map(str, row.point),
        str(row.quantity),
        _interval(row.learned_bits, row.learned_low_bits, row.learned_high_bits),
        _interval(row.other_bits, row.other_low_bits, row.other_high_bits),
        _interval(row.difference_bits, row.difference_low_bits, row.difference_high_bits),
        f"{row.n_learned:,} / {row.n_other:,}",
    )


def _interval(value: float, low: float, high: float) -> str:
    return f"{bits_text(value)} [{bits_text(low)}, {bits_text(high)}]"
