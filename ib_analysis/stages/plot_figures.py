"""Draw the information plane, the curves and the two stages, each as PDF, SVG and PNG; the plane also as a movie."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, made_from, write_json
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.figures import training_curves
from ib_analysis.figures.checks import controls as controls_figure
from ib_analysis.figures.information import (
    baseline_planes,
    information_curves,
    information_plane,
    plane_frames,
    tap_curves,
    two_stages,
)
from ib_analysis.figures.information.series import Panel
from ib_analysis.figures.style.saving import save
from ib_analysis.figures.training_curves import TrainingRun
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.point import Network
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows

Drawn = tuple[Figure, str]
"""A figure and its caption."""


class DeepTaps(spec.Spec):
    """Some taps of an encoder."""

    encoder: str
    taps: tuple[str, ...]


class Spec(spec.Spec):
    """Slice of the experiment."""

    apart: tuple[str, ...] = ()
    """Encoders with separate figures; empty: all encoders share the figures."""
    deep: DeepTaps | None = None
    """What the claims of two stages are about, which has a plane of its own."""


def run(
    slice_: Spec,
    job: Job,
    *,
    table: Artefact,
    two_stages_table: Artefact,
    checkpoints: list[Artefact],
    controls: list[Artefact],
    baselines: list[Artefact],
    out: Path,
) -> None:
    """Write the figures and their captions (captions.json) into the folder `out`."""
    rows = read_rows(table, InformationRow)
    stages = [
        row for row in read_rows(two_stages_table, StagesRow) if row.quantity is Quantity.IMAGE_INFORMATION
    ]
    runs = [training_run(folder, rows) for folder in checkpoints]
    figures = dict(of_networks(rows, stages, runs, slice_.apart))
    if slice_.deep is not None and _has_plane(rows):
        deep = rows_of(slice_.deep, rows)
        figures["deep_plane"] = information_plane.draw(deep), information_plane.caption(deep)
    controlled = [row for path in controls for row in read_rows(path, ControlRow)]
    if controlled:
        figures["controls"] = controls_figure.draw(controlled), controls_figure.caption(controlled)
    baseline_rows = [row for path in baselines for row in read_rows(path, InformationRow)]
    for network in baseline_planes.networks(baseline_rows):
        name = f"baseline_planes-{network.encoder}-{network.regime}-seed{network.seed}"
        figures[name] = baseline_planes.draw(baseline_rows, network), baseline_planes.caption(baseline_rows)
    for name, (figure, _) in figures.items():
        for path in save(figure, out / name).values():
            job.record(path)
    for suffix, own in _tables(rows, slice_.apart).items() if _has_plane(rows) else ():
        movie = out / f"information_plane{suffix}.gif"
        plane_frames.write_movie(movie, own)
        job.record(movie)
    captions = out / "captions.json"
    write_json(captions, {name: caption for name, (_, caption) in figures.items()})
    job.record(captions)


def of_networks(
    rows: Sequence[InformationRow],
    stages: Sequence[StagesRow],
    runs: Sequence[TrainingRun],
    apart: Sequence[str],
) -> Iterator[tuple[str, Drawn]]:
    """Figures of the measurement by name: <figure> for all networks, or <figure>-<encoder> for each of `apart`."""
    if not apart:
        yield from _draw_figures(rows, stages, runs)
    tables = _tables(rows, apart)
    for encoder in apart:
        own = (
            tables[f"-{encoder}"],
            [row for row in stages if row.encoder == encoder],
            [run for run in runs if run.panel.encoder == encoder],
        )
        yield from ((f"{name}-{encoder}", drawn) for name, drawn in _draw_figures(*own))


def _tables(rows: Sequence[InformationRow], apart: Sequence[str]) -> dict[str, Sequence[InformationRow]]:
    """The rows of each set of figures by its suffix: all, or those of each encoder and of the data set."""
    if not apart:
        return {"": rows}
    return {f"-{encoder}": [row for row in rows if row.encoder in ("", encoder)] for encoder in apart}


def rows_of(deep: DeepTaps, rows: Sequence[InformationRow]) -> list[InformationRow]:
    """The rows of these taps and of the data set, whose plane has a scale that early taps do not set."""
    return [row for row in rows if not row.encoder or (row.encoder == deep.encoder and row.tap in deep.taps)]


def _has_plane(rows: Sequence[InformationRow]) -> bool:
    """Whether the images have labels: without I(y;h) there is no plane."""
    return any(row.quantity is Quantity.LABEL_INFORMATION for row in rows)


def _draw_figures(
    rows: Sequence[InformationRow], stages: Sequence[StagesRow], runs: Sequence[TrainingRun]
) -> Iterator[tuple[str, Drawn]]:
    if _has_plane(rows):
        yield "information_plane", (information_plane.draw(rows), information_plane.caption(rows))
        yield "plane_frames", (plane_frames.draw(rows), plane_frames.caption(rows))
        yield "information_curves", (information_curves.draw(rows), information_curves.caption(rows))
    yield "tap_curves", (tap_curves.draw(rows), tap_curves.caption(rows))
    yield "training_curves", (training_curves.draw(runs), training_curves.caption(runs))
    yield "two_stages", (two_stages.draw(stages), two_stages.caption(stages))


def training_run(folder: Path, rows: tuple[InformationRow, ...]) -> TrainingRun:
    """The training curve of the network in that folder of checkpoints."""
    network = Network.of(made_from(folder))
    measured = {row.point.epoch for row in rows if row.point is not None and row.point.network == network}
    curve = read_rows(curve_path(folder), CurveRow)
    return TrainingRun(Panel.of(network), network.seed, curve, tuple(sorted(measured)))
