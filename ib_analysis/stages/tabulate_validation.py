"""All cases in one table, printed, and as a calibration figure."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, write_json
from ib_analysis.figures.checks import calibration
from ib_analysis.figures.style.saving import save
from ib_analysis.information.tables.validation import ValidationRow, validation_summary
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(slice_: Spec, job: Job, *, cases: list[Artefact], table: Path, figure: Path) -> None:
    """Write the table, the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json."""
    rows = [row for path in cases for row in read_rows(path, ValidationRow)]
    write_rows(table, ValidationRow, rows)
    job.record(table)
    for path in save(calibration.draw(rows), figure).values():
        job.record(path)
    caption = figure.with_name(f"{figure.name}.caption.json")
    write_json(caption, calibration.caption(rows))
    job.record(caption)
    print(validation_summary(rows))
