"""The verdicts on every paper's claims in one table, printed."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.studies.verdict import Verdict, verdicts_text


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(slice_: Spec, job: Job, *, verdicts: list[Artefact], table: Path) -> None:
    """Write the table."""
    found = [row for path in verdicts for row in read_rows(path, Verdict)]
    write_rows(table, Verdict, found)
    job.record(table)
    print(verdicts_text(found))
