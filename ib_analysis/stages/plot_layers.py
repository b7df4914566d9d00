"""Draw what each layer of a study's networks keeps."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import verified, write_json
from ib_analysis.figures import layer_profile
from ib_analysis.figures.saving import save
from ib_analysis.information.table import read_information_csv
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(slice_: Spec, job: Job, *, table: Path, figure: Path) -> None:
    """Write the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json."""
    rows = read_information_csv(verified(table))
    for path in save(layer_profile.draw(rows), figure).values():
        job.record(path)
    write_json(figure.with_name(f"{figure.name}.caption.json"), layer_profile.caption(rows))
