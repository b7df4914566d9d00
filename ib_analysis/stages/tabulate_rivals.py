"""All estimators in one table, the decoders' own among them, and where they agree."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import verified
from ib_analysis.information.agreement import agreements, own_rows
from ib_analysis.information.agreement_table import write_agreement
from ib_analysis.information.table import read_information_csv, write_information
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(
    slice_: Spec, job: Job, *, information: Path, rivals: list[Path], table: Path, json: Path, agreement: Path
) -> None:
    """Write rivals.csv, rivals.json and agreement.csv."""
    rows = own_rows(read_information_csv(verified(information)))
    for path in rivals:
        rows += read_information_csv(verified(path))
    write_information(rows, table, json)
    write_agreement(agreement, agreements(rows))
    for path in (table, json, agreement):
        job.record(path)
