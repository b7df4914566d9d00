"""`consistency.csv`: every statistic of every test of consistency, and the verdict of each method."""

from collections.abc import Sequence

from pydantic import Field, FiniteFloat
from tabulate import tabulate

from ib_analysis.information.inference.consistency import (
    TESTS,
    ConsistencyTest,
    ConsistencyVerdict,
    Judged,
    Measured,
    overall,
)
from ib_analysis.spec import Spec
from ib_analysis.units import bits


class ConsistencyRow(Spec):
    """One statistic of one test: `measured` is compared with `reference`, both in bits per image (or pair).

    `statistic` is their ratio, for monotonicity the step from fewer rows as a share of the reference; it should lie
    within `margin` of `expected` (monotonicity: not below -margin). It is empty where the reference is not positive.
    """

    test: ConsistencyTest
    method: str = Field(min_length=1)
    seed: int = Field(ge=0)
    rows: int = Field(ge=0)
    what: str = Field(min_length=1)
    measured_bits: FiniteFloat
    measured_stderr_bits: FiniteFloat = Field(ge=0)
    reference_bits: FiniteFloat
    statistic: FiniteFloat | None
    stderr: FiniteFloat | None
    expected: FiniteFloat
    margin: FiniteFloat
    p_value: FiniteFloat | None
    verdict: ConsistencyVerdict
    n: int = Field(ge=2)


def consistency_row(
    test: ConsistencyTest,
    method: str,
    judged: Judged,
    measured: Measured,
    reference: Measured,
    *,
    seed: int,
    rows: int,
    what: str,
) -> ConsistencyRow:
    """The row of one statistic."""
    return ConsistencyRow(
        test=test,
        method=method,
        seed=seed,
        rows=rows,
        what=what,
        measured_bits=bits(measured.nats),
        measured_stderr_bits=bits(measured.stderr_nats),
        reference_bits=bits(reference.nats),
        statistic=judged.statistic,
        stderr=judged.stderr,
        expected=judged.expected,
        margin=judged.margin,
        p_value=judged.p_value,
        verdict=judged.verdict,
        n=measured.n,
    )


def of_method(rows: Sequence[ConsistencyRow], method: str, test: ConsistencyTest) -> list[ConsistencyRow]:
    """The rows of one method and test, over all seeds."""
    return [row for row in rows if (row.method, row.test) == (method, test)]


def farthest(rows: Sequence[ConsistencyRow]) -> ConsistencyRow:
    """The row that speaks for its test: one without a statistic, else the farthest from what it should be.

    For monotonicity that is the deepest fall.
    """
    signed = rows[0].test == "monotonicity"

    def distance(row: ConsistencyRow) -> float:
        if row.statistic is None:
            return float("inf")
        return -row.statistic if signed else abs(row.statistic - row.expected)

    return max(rows, key=distance)


def consistency_summary(rows: Sequence[ConsistencyRow]) -> str:
    """Plain text: a line a method, for each test the verdict and the statistic that is farthest off."""
    methods = list(dict.fromkeys(row.method for row in rows))
    lines = [[method, *(_cell(of_method(rows, method, test)) for test in TESTS)] for method in methods]
    return tabulate([["method", *TESTS], *lines], tablefmt="plain", stralign="right", disable_numparse=True)


def _cell(rows: list[ConsistencyRow]) -> str:
    return f"{statistic_text(rows)} {overall([row.verdict for row in rows])}" if rows else "-"


def statistic_text(rows: Sequence[ConsistencyRow]) -> str:
    """The statistic that is farthest off, with its standard error."""
    row = farthest(rows)
    return "–" if row.statistic is None else f"{row.statistic:.2f} ± {row.stderr or 0.0:.2f}"
