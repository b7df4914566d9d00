"""Print the table of an experiment and where its report lies."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.information.summary import summary
from ib_analysis.information.table import read_information_csv
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Nothing to set."""


def run(slice_: Spec, job: Job, *, table: Path, report: Path) -> None:
    """Print to the terminal; writes nothing."""
    print(summary(read_information_csv(table)))
    print(f"\nReport: {report.resolve()}")
