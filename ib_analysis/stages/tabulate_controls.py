"""Judge every controlled point: controls.csv."""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.inference.controls import (
    must_explain,
    must_stay,
    must_vanish,
    only_shown,
)
from ib_analysis.information.inference.fit_checks import SURE
from ib_analysis.information.measurement.evaluation import (
    INFORMATION,
    Evaluation,
    MarginalEvaluation,
    MixedMarginal,
    Nats,
    read_evaluation,
    read_marginal_evaluation,
    read_mixed_marginal,
)
from ib_analysis.information.measurement.label_information import label_nats
from ib_analysis.information.measurement.nats import mean_with_error
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow, control_row
from ib_analysis.point import Point, Target
from ib_analysis.point_density import read_image
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.variant import MEASUREMENT, Kind, Variant

Marginals = Mapping[Target, Nats]
UNTOUCHED: Mapping[Kind, Target] = {"filters": "label"}
"""The target whose decoder a control leaves as it is."""


class Control(spec.Spec):
    """A variant of the measurement; its name is its key."""

    kind: Kind
    value: float


class Spec(spec.Spec):
    """Slice of the experiment."""

    controls: dict[str, Control]


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    marginal: Artefact,
    mixture: Artefact,
    nats: list[Artefact],
    identity: list[Artefact],
    controls: list[Artefact],
    marginals: list[Artefact],
    table: Path,
) -> None:
    """Write the table.

    Args:
        slice_: the controls by name.
        job: of the provenance.
        dataset: header of the images.
        marginal: nats of the measurement's p(x).
        mixture: the measurement's CE(x) mixture.
        nats: nats of every network's points.
        identity: nats of the control encoder, where there is one.
        controls: the networks' nats under each control.
        marginals: nats of the p(x) that belong to controls alone.
        table: the CSV file.
    """
    data = open_dataset(dataset.parent)
    of_labels = label_nats(data.evaluation.labels)
    unconditional = map(_read_marginal, (marginal, *marginals))
    references: dict[str, Marginals] = {
        found.variant: {"image": found.nats, "label": of_labels} for found in unconditional
    }
    main = references[MEASUREMENT.name]
    points = {found.network: found for found in map(_read, nats)}
    rows = [row for found in points.values() for row in _untrained(found, main)]
    whole = read_mixed_marginal(mixture)
    smallest = _smallest_claim(points.values(), whole)
    rows += [row for path in identity for row in _identity(_read(path), main["image"], smallest)]
    for found in map(_read, controls):
        control = Variant(**slice_.controls[found.variant].model_dump())
        measured = points[found.network]
        if control.kind == "shuffled":
            rows += _shuffled(control, found, measured, whole, main["label"])
        else:
            rows += _varied(control, found, measured, references[control.marginal.name], main)
    write_rows(table, ControlRow, rows)
    job.record(table, dataset=data.header.fingerprint)


def _read_marginal(path: Path) -> MarginalEvaluation:
    return read_marginal_evaluation(path)


def _read(path: Path) -> Evaluation:
    return read_evaluation(path)


def _numbers(found: Evaluation) -> Iterator[tuple[Point, Target, Nats]]:
    """The nats of each point and target, by the point's own decoders."""
    for point in found.points:
        for target in get_args(Target):
            yield point, target, found.alone(point, target)


def _smallest_claim(networks: Iterable[Evaluation], whole: MixedMarginal) -> float:
    """The smallest I(x; h) of a point that is told from 0, in nats; infinite where none is."""
    found = math.inf
    for network in networks:
        for nats in network.points.values():
            reading = read_image([nats], [whole])
            value, stderr = mean_with_error(reading.marginal - reading.averaged)
            found = min(found, value) if value > SURE * stderr else found
    return found


def _untrained(found: Evaluation, main: Marginals) -> Iterator[ControlRow]:
    """The network at epoch 0, where it is trained later."""
    if len(found.epochs) < 2:
        return
    for point, target, nats in _numbers(found):
        if point.epoch == 0:
            yield control_row(only_shown(main[target] - nats), "untrained", INFORMATION[target], point)


def _identity(found: Evaluation, marginal: Nats, smallest: float) -> Iterator[ControlRow]:
    for point, target, nats in _numbers(found):
        if target == "image":
            checked = must_explain(marginal, nats, smallest)
            yield control_row(checked, "identity", Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY, point)


def _shuffled(
    control: Variant, found: Evaluation, points: Evaluation, whole: MixedMarginal, of_labels: Nats
) -> Iterator[ControlRow]:
    """Each point with the h of another image, measured as the points are: it must vanish."""
    for point, nats in found.points.items():
        own = read_image([points.points[point]], [whole])
        read = read_image([nats], [whole])
        checked = must_vanish(read.marginal, read.averaged, own.information)
        yield control_row(checked, control.name, INFORMATION["image"], point, raw_nats=read.raw)
        of_label = float((of_labels - points.alone(point, "label")).mean())
        checked = must_vanish(of_labels, nats.of_target("label").evaluation, of_label)
        yield control_row(checked, control.name, INFORMATION["label"], point)


def _varied(
    control: Variant,
    found: Evaluation,
    points: Evaluation,
    own: Marginals,
    main: Marginals,
) -> Iterator[ControlRow]:
    """Each point under a changed setting, both by their own p(x) and their own decoder alone."""
    for point, target, nats in _numbers(found):
        if target == UNTOUCHED.get(control.kind):
            continue
        checked = must_stay(own[target] - nats, main[target] - points.alone(point, target))
        yield control_row(checked, control.name, INFORMATION[target], point)
