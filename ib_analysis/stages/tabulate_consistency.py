"""All tests of consistency in one table, printed, and as a figure."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import verified, write_json
from ib_analysis.figures.checks import consistency
from ib_analysis.figures.style.saving import save
from ib_analysis.information.tables.consistency import ConsistencyRow, consistency_summary
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(slice_: Spec, job: Job, *, pieces: list[Path], table: Path, figure: Path) -> None:
    """Write the table, the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json."""
    rows = [row for path in pieces for row in read_rows(verified(path), ConsistencyRow)]
    write_rows(table, ConsistencyRow, rows)
    job.record(table)
    for path in save(consistency.draw(rows), figure).values():
        job.record(path)
    write_json(figure.with_name(f"{figure.name}.caption.json"), consistency.caption(rows))
    print(consistency_summary(rows))
