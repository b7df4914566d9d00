"""The table of consistency: a method a row, a test a column, each with its statistic and verdict."""

from collections.abc import Sequence

from ib_analysis.information.inference.consistency import EXPECTED, NOTHING, TESTS, TOLERANCE, overall
from ib_analysis.information.tables.consistency import ConsistencyRow, of_method, statistic_text
from ib_analysis.report.tables.table import Column, Table

WORDS = {"consistent": "passes", "not": "fails", "undecided": "undecided"}
NOTE = (
    "After Song and Ermon (2020). h is the image with its top rows kept. independence: I(x; no rows) and I(x; rows of "
    "another image) as shares of I(x; all rows), should be 0. monotonicity: the smallest step as rows are added, as a "
    "share of I(x; all rows), should not be negative. symmetry: the rows told the image, over the image told the rows, "
    "should be 1. data processing: I(x; rows and fewer of the same rows) over I(x; rows), should be 1. additivity: two "
    "independent images together over one, should be 2. Each cell: the statistic that is farthest off, ± its standard "
    f"error over images. passes: all are shown (5 %) to lie within {NOTHING:.0%} (the first two) or {TOLERANCE:.0%} "
    "(ratios) of what they should be; fails: one is shown to lie outside, or there is no information to divide by; "
    "undecided: neither."
)


def consistency_table(rows: Sequence[ConsistencyRow]) -> Table:
    """One row for each method."""
    columns = (Column("method"), *(Column(test, f"should be {EXPECTED[test]:g}") for test in TESTS))
    methods = list(dict.fromkeys(row.method for row in rows))
    return Table(columns, tuple(_row(rows, method) for method in methods), NOTE)


def _row(rows: Sequence[ConsistencyRow], method: str) -> tuple[str, ...]:
    found = [of_method(rows, method, test) for test in TESTS]
    return (method.replace("_", " "), *(_cell(of_test) for of_test in found))


def _cell(rows: Sequence[ConsistencyRow]) -> str:
    if not rows:
        return "–"
    return f"{statistic_text(rows)} {WORDS[overall([row.verdict for row in rows])]}"
