"""The papers' claims: what each says, what was found here, and whether that is the same."""

from collections.abc import Sequence

from ib_analysis.report.tables.table import Column, Table
from ib_analysis.studies.verdict import Verdict, measured_value

NOTE = (
    "Here: the value with its standard error over seeds. A paper's value carries how surely it is known: [paper] read "
    "in the paper, [code] in the authors' code, [third] in somebody else's account, [recalled] unverified, [derived] "
    "worked out for this project. unclear: the interval over seeds does not decide."
)


def papers_table(verdicts: Sequence[Verdict]) -> Table:
    """One row a claim."""
    columns = (
        Column("study"),
        Column("claim", prose=True),
        Column("paper", prose=True),
        Column("here"),
        Column("reproduced"),
        Column("why", prose=True),
    )
    return Table(columns, tuple(_row(verdict) for verdict in verdicts), NOTE)


def _row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.study.replace("_", " "),
        verdict.claim,
        verdict.paper_value or "–",
        measured_value(verdict),
        verdict.reproduced,
        verdict.why,
    )
