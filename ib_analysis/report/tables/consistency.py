"""The consistency table: one row per method, one column per test, with statistic and verdict."""

from collections.abc import Sequence

from ib_analysis.information.inference.consistency import EXPECTED, NOTHING, TESTS, TOLERANCE, overall
from ib_analysis.information.tables.consistency import ConsistencyRow, of_method, statistic_text
from ib_analysis.report.tables.table import Column, Table

WORDS = {"consistent": "passes", "not": "fails", "undecided": "undecided"}
NOTE = (
    "After Song and Ermon (2020). h is the image with its top rows kept. independence: I(x; no rows) and I(x; "
    "rows of another image) as fractions of I(x; all rows), expected 0. monotonicity: the smallest increase as "
    "rows are added, as a fraction of I(x; all rows), expected not negative. symmetry: I(rows; x) over I(x; "
    "rows), expected 1. data processing: I(x; rows and fewer of the same rows) over I(x; rows), expected 1. "
    "additivity: two independent images together over one, expected 2. Each cell: the statistic farthest from its "
    f"expected value, ± its standard error over images. passes: all are shown (5 %) to lie within {NOTHING:.0%} "
    f"(the first two) or {TOLERANCE:.0%} (ratios) of the expected value; fails: one is shown to lie outside, or "
    "the denominator is not positive; undecided: neither."
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
