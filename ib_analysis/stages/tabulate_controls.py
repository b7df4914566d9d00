"""Judge every controlled point: controls.csv."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.inference.controls import (
    must_explain,
    must_stay,
    must_vanish,
    only_shown,
)
from ib_analysis.information.measurement.evaluation import (
    INFORMATION,
    Evaluation,
    MarginalEvaluation,
    Nats,
    read_evaluation,
    read_marginal_evaluation,
)
from ib_analysis.information.measurement.label_information import label_nats
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow, control_row
from ib_analysis.point import Target
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
    rows += [row for path in identity for row in _identity(_read(path), main["image"])]
    for found in map(_read, controls):
        control = Variant(**slice_.controls[found.variant].model_dump())
        reference = references[control.marginal.name]
        rows += _varied(control, found, points[found.network], reference, main)
    write_rows(table, ControlRow, rows)
    job.record(table, dataset=data.header.fingerprint)


def _read_marginal(path: Path) -> MarginalEvaluation:
    return read_marginal_evaluation(path)


def _read(path: Path) -> Evaluation:
    return read_evaluation(path)


def _untrained(found: Evaluation, main: Marginals) -> Iterator[ControlRow]:
    """The network at epoch 0, where it is trained later."""
    if len(found.epochs) < 2:
        return
    for (point, target), nats in found.nats.items():
        if point.epoch == 0:
            yield control_row(only_shown(main[target] - nats), "untrained", INFORMATION[target], point)


def _identity(found: Evaluation, marginal: Nats) -> Iterator[ControlRow]:
    for (point, target), nats in found.nats.items():
        if target == "image":
            checked = must_explain(marginal, nats)
            yield control_row(checked, "identity", Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY, point)


def _varied(
    control: Variant,
    found: Evaluation,
    points: Evaluation,
    own: Marginals,
    main: Marginals,
) -> Iterator[ControlRow]:
    for (point, target), nats in found.nats.items():
        if target == UNTOUCHED.get(control.kind):
            continue
        own_information = main[target] - points.nats[point, target]
        if control.kind == "shuffled":
            checked = must_vanish(own[target], nats, float(own_information.mean()))
        else:
            checked = must_stay(own[target] - nats, own_information)
        yield control_row(checked, control.name, INFORMATION[target], point)
