"""The table of the papers' claims: the paper's value, the measured value, and the verdict."""

from collections.abc import Sequence

from ib_analysis.report.tables.table import Column, Table
from ib_analysis.studies.verdict import Verdict, measured_value

NOTE = (
    "Here: the measured value with its standard error over seeds. Source of a paper's value: [paper] the paper, [code] "
    "the authors' code, [third] a publication by others, [recalled] unverified, [derived] derived for this project. "
    "unclear: the interval over seeds does not decide."
)


def papers_table(verdicts: Sequence[Verdict]) -> Table:
    """One row for each claim."""
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
