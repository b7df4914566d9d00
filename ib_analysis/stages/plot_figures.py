"""Draw the information plane, the curves and the two stages, each as PDF, SVG and PNG."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ib_analysis import spec
from ib_analysis.artefacts import write_json
from ib_analysis.encoders.training_curve import read_curve
from ib_analysis.figures import (
    controls as controls_figure,
)
from ib_analysis.figures import (
    information_curves,
    information_plane,
    rival_planes,
    tap_curves,
    training_curves,
    two_stages,
)
from ib_analysis.figures.saving import save
from ib_analysis.figures.series import Study
from ib_analysis.figures.training_curves import TrainingRun
from ib_analysis.information.controls_table import read_controls
from ib_analysis.information.quantity import Quantity
from ib_analysis.information.stages_table import StagesRow, read_stages
from ib_analysis.information.table import InformationRow, read_information_csv
from ib_analysis.provenance import Job

Drawn = tuple[Figure, str]
"""A figure and its caption."""


class Spec(spec.Spec):
    """Slice of the experiment."""

    apart: tuple[str, ...] = ()
    """Encoders that have figures of their own; none: all are in the same."""


def run(
    slice_: Spec,
    job: Job,
    *,
    table: Path,
    two_stages_table: Path,
    checkpoints: list[Path],
    controls: list[Path],
    rivals: list[Path],
    out: Path,
) -> None:
    """Write the figures and their captions (captions.json) into the folder `out`."""
    rows = read_information_csv(table)
    stages = [row for row in read_stages(two_stages_table) if row.quantity is Quantity.IMAGE_INFORMATION]
    runs = [training_run(folder, rows) for folder in checkpoints]
    figures = dict(of_networks(rows, stages, runs, slice_.apart))
    controlled = [row for path in controls for row in read_controls(path)]
    if controlled:
        figures["controls"] = controls_figure.draw(controlled), controls_figure.caption(controlled)
    rival_rows = [row for path in rivals for row in read_information_csv(path)]
    for study, seed in rival_planes.networks(rival_rows):
        name = f"rival_planes-{study.encoder}-{study.regime}-seed{seed}"
        figures[name] = rival_planes.draw(rival_rows, study, seed), rival_planes.caption(rival_rows)
    for name, (figure, _) in figures.items():
        for path in save(figure, out / name).values():
            job.record(path)
    write_json(out / "captions.json", {name: caption for name, (_, caption) in figures.items()})


def of_networks(
    rows: Sequence[InformationRow],
    stages: Sequence[StagesRow],
    runs: Sequence[TrainingRun],
    apart: Sequence[str],
) -> Iterator[tuple[str, Drawn]]:
    """The figures of what was measured by their names: of all networks together, or <figure>-<encoder> for each."""
    if not apart:
        yield from _together(rows, stages, runs)
    for encoder in apart:
        own = (
            [row for row in rows if row.encoder in ("", encoder)],
            [row for row in stages if row.encoder == encoder],
            [run for run in runs if run.study.encoder == encoder],
        )
        yield from ((f"{name}-{encoder}", drawn) for name, drawn in _together(*own))


def _together(
    rows: Sequence[InformationRow], stages: Sequence[StagesRow], runs: Sequence[TrainingRun]
) -> Iterator[tuple[str, Drawn]]:
    yield "information_plane", (information_plane.draw(rows), information_plane.caption(rows))
    yield "information_curves", (information_curves.draw(rows), information_curves.caption(rows))
    yield "tap_curves", (tap_curves.draw(rows), tap_curves.caption(rows))
    yield "training_curves", (training_curves.draw(runs), training_curves.caption(runs))
    yield "two_stages", (two_stages.draw(stages), two_stages.caption(stages))


def training_run(folder: Path, rows: tuple[InformationRow, ...]) -> TrainingRun:
    """The training curve of the network whose folder ends in <encoder>/<regime>/seed<seed>."""
    encoder, regime, seed = folder.parts[-3], folder.parts[-2], int(folder.name.removeprefix("seed"))
    key = (encoder, regime, seed)
    measured = {r.epoch for r in rows if (r.encoder, r.regime, r.seed) == key and r.epoch is not None}
    curve = read_curve(folder / "training_curve.csv")
    return TrainingRun(Study(encoder, regime), seed, curve.rows, tuple(sorted(measured)))
