"""All tests of consistency in one table, printed, and as a figure."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, write_json
from ib_analysis.figures.checks import consistency
from ib_analysis.figures.style.saving import save
from ib_analysis.information.tables.consistency import ConsistencyRow, consistency_summary
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(slice_: Spec, job: Job, *, pieces: list[Artefact], table: Path, figure: Path) -> None:
    """Write the table, the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json."""
    rows = [row for path in pieces for row in read_rows(path, ConsistencyRow)]
    write_rows(table, ConsistencyRow, rows)
    job.record(table)
    for path in save(consistency.draw(rows), figure).values():
        job.record(path)
    caption = figure.with_name(f"{figure.name}.caption.json")
    write_json(caption, consistency.caption(rows))
    job.record(caption)
    print(consistency_summary(rows))
