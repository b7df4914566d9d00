"""All estimators in one table, the decoders' own among them, and where they agree."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.information.tables.agreement import Agreement, agreements, own_rows
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(
    slice_: Spec, job: Job, *, information: Artefact, baselines: list[Artefact], table: Path, agreement: Path
) -> None:
    """Write baselines.csv and agreement.csv."""
    rows = own_rows(read_rows(information, InformationRow))
    for path in baselines:
        rows += read_rows(path, InformationRow)
    write_rows(table, InformationRow, rows)
    write_rows(agreement, Agreement, agreements(rows))
    for path in (table, agreement):
        job.record(path)
