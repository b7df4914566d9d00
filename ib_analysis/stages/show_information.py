"""Print the table of an experiment and the path of its report."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.summary import summary
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows


class Spec(spec.Spec):
    """Empty: the stage has no settings."""


def run(slice_: Spec, job: Job, *, table: Artefact, report: Path) -> None:
    """Print to the terminal; writes nothing."""
    print(summary(read_rows(table, InformationRow)))
    print(f"\nReport: {report.resolve()}")
