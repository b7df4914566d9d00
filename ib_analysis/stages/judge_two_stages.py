"""Judge the claims of Darlow & Storkey (2020) by the nats of the measured networks, and draw the study's figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, made_from, write_json
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.figures.studies import darlow2020 as drawing
from ib_analysis.figures.style.saving import save
from ib_analysis.information.inference.network_stages import Curves
from ib_analysis.information.measurement.evaluation import Nats, read_evaluation, read_mixed_marginal
from ib_analysis.information.measurement.own_images import read_own_images
from ib_analysis.information.measurement.repeated_evaluation import by_network
from ib_analysis.point import Network, Point
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.stages.tabulate_information import curves_along, gathered
from ib_analysis.studies.darlow2020.claims import verdicts as judged
from ib_analysis.studies.darlow2020.families import Place, Trained, study_rows
from ib_analysis.studies.darlow2020.row import DarlowRow
from ib_analysis.studies.specs.darlow2020 import Darlow2020StudySpec
from ib_analysis.studies.verdict import Verdict, verdicts_text


class Spec(spec.Spec):
    """Slice of the experiment."""

    study: Darlow2020StudySpec


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    marginal: list[Artefact],
    nats: list[Artefact],
    own_nats: list[Artefact],
    checkpoints: list[Artefact],
    table: Path,
    verdicts: Path,
    figure: Path,
) -> None:
    """Write both tables, the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json.

    On held-out images I(x;h) is that of the table of information. Own and held-out images are compared by the decoders
    p(x | h) alone, with the mean CE(x) of evaluation images for both: CE(x) cancels in every difference, and enters
    the margin alone, which is a share of I(x;h).
    """
    data = open_dataset(dataset.parent)
    marginals = [read_mixed_marginal(path) for path in marginal]
    evaluations = [read_evaluation(path) for path in nats]
    measured = gathered(data, marginals, by_network(evaluations), [])
    mean = float(measured.marginals["image"].mean())
    curves = curves_along(measured, "image", measured.marginals["image"])
    held_out = [
        (one.network, {point: one.alone(point, "image") for point in one.points}) for one in evaluations
    ]
    own = [(one.network, one.of_target("image")) for one in map(read_own_images, own_nats)]
    rows = study_rows(
        slice_.study,
        {Place(tap.encoder, tap.regime, tap.tap): found for tap, found in curves.items()},
        _alone(held_out, mean),
        _alone(own, mean),
        _trained(checkpoints),
    )
    write_rows(table, DarlowRow, rows)
    found = judged(rows)
    write_rows(verdicts, Verdict, found)
    for path in (table, verdicts, *save(drawing.draw(rows), figure).values()):
        job.record(path)
    caption = figure.with_name(f"{figure.name}.caption.json")
    write_json(caption, drawing.caption(rows))
    job.record(caption)
    print(verdicts_text(found))


def _alone(found: Sequence[tuple[Network, Mapping[Point, Nats]]], mean: float) -> dict[Place, Curves]:
    """The mean CE(x) less -log q(x | h) along the epochs, of every network; a network comes once a fit."""
    fits: dict[Network, list[Mapping[Point, Nats]]] = {}
    for network, nats in found:
        fits.setdefault(network, []).append(nats)
    networks: dict[Place, list[NDArray[np.float64]]] = {}
    epochs: dict[Place, tuple[int, ...]] = {}
    for network, of_fits in fits.items():
        for tap in dict.fromkeys(point.tap for point in of_fits[0]):
            place = Place(network.encoder, network.regime, tap)
            epochs[place] = tuple(sorted({point.epoch for point in of_fits[0]}))
            along = [[nats[network.at(epoch, tap)] for epoch in epochs[place]] for nats in of_fits]
            networks.setdefault(place, []).append(mean - np.array(along))
    return {place: Curves(epochs[place], tuple(values)) for place, values in networks.items()}


def _trained(checkpoints: Sequence[Path]) -> dict[tuple[str, str], Trained]:
    """What the networks of each encoder and regime are, from their folders of checkpoints."""
    groups: dict[tuple[str, str], list[Path]] = {}
    for folder in checkpoints:
        groups.setdefault(Network.of(made_from(folder))[:2], []).append(folder)
    return {name: _group(folders) for name, folders in groups.items()}


def _group(folders: Sequence[Path]) -> Trained:
    architecture: dict[str, Any] = made_from(folders[0])["architecture"]["spec"]
    last = [curve[-1] for curve in (read_rows(curve_path(folder), CurveRow) for folder in folders) if curve]
    held_out = [row.held_out_part for row in last if row.held_out_part is not None]
    return Trained(
        width="-".join(map(str, architecture.get("widths", ()))) or "unknown",
        score=last[0].metric if last else "",
        own=float(np.mean([row.encoder_part for row in last])) if last else None,
        held_out=float(np.mean(held_out)) if held_out else None,
    )
