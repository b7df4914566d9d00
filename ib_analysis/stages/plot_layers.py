"""Draw the information in each layer of the networks of a study."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, write_json
from ib_analysis.figures.information import layer_profile
from ib_analysis.figures.style.saving import save
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows


class Spec(spec.Spec):
    """Empty: the stage reads all that it needs from its inputs."""


def run(slice_: Spec, job: Job, *, table: Artefact, figure: Path) -> None:
    """Write the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json."""
    rows = read_rows(table, InformationRow)
    for path in save(layer_profile.draw(rows), figure).values():
        job.record(path)
    caption = figure.with_name(f"{figure.name}.caption.json")
    write_json(caption, layer_profile.caption(rows))
    job.record(caption)
