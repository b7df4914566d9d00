"""The table of the papers' claims, and apart from it that of the checks of the implementation."""

from collections.abc import Sequence

from ib_analysis.report.tables.table import Column, Table
from ib_analysis.studies.verdict import Verdict, measured_value

NOTE = (
    "Here: the measured value with its standard error over seeds. Source of a paper's value: [paper] the paper, [code] "
    "the authors' code, [third] a publication by others, [recalled] unverified, [derived] derived for this project. "
    "unclear: the interval over seeds does not decide. Rule written: the day on which the decision rule was last "
    "changed."
)
CHECKS = (
    "These hold by construction, by counting or by a theorem: they test the code and say nothing about networks that "
    "learn."
)


def papers_table(verdicts: Sequence[Verdict]) -> Table:
    """One row for each claim of the papers."""
    return _table([verdict for verdict in verdicts if verdict.kind == "claim"], NOTE)


def checks_table(verdicts: Sequence[Verdict]) -> Table:
    """One row for each check of the implementation."""
    return _table([verdict for verdict in verdicts if verdict.kind == "implementation"], CHECKS)


def _table(verdicts: Sequence[Verdict], note: str) -> Table:
    columns = (
        Column("study"),
        Column("claim", prose=True),
        Column("paper", prose=True),
        Column("here"),
        Column("reproduced"),
        Column("rule written"),
        Column("why", prose=True),
    )
    return Table(columns, tuple(_row(verdict) for verdict in verdicts), note)


def _row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.study.replace("_", " "),
        verdict.claim,
        verdict.paper_value or "–",
        measured_value(verdict),
        verdict.reproduced,
        verdict.rule_written.isoformat(),
        verdict.why,
    )
