"""Judge every controlled point: controls.csv."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ib_analysis import spec
from ib_analysis.artefacts import verified
from ib_analysis.controls import Control as Variant
from ib_analysis.controls import Kind
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.inference.controls import (
    must_explain,
    must_stay,
    must_vanish,
    only_shown,
)
from ib_analysis.information.measurement.evaluation import INFORMATION, Evaluation, Nats, read_evaluation
from ib_analysis.information.measurement.label_information import label_nats
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow, control_row
from ib_analysis.point import Target
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows

Marginals = Mapping[Target, Nats]
UNTOUCHED: Mapping[Kind, Target] = {"filters": "label"}
"""The target whose decoder a control leaves as it is."""


class Control(spec.Spec):
    """What a control is; its name is its key."""

    kind: Kind
    value: float


class Spec(spec.Spec):
    """Slice of the experiment."""

    controls: dict[str, Control]


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Path,
    marginal: Path,
    nats: list[Path],
    identity: list[Path],
    controls: list[Path],
    marginals: list[Path],
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
        controls: the networks' nats under each control, .../controls/<control>/nats/<network>.npz.
        marginals: nats of each control's own p(x), .../controls/<control>/nats/<file>.npz; a control that has none is
            compared with the measurement's.
        table: the CSV file.
    """
    data = open_dataset(dataset.parent)
    of_labels = label_nats(data.evaluation.labels)
    main: Marginals = {"image": _marginal(marginal), "label": of_labels}
    points = {found.network: found for found in map(_read, nats)}
    own: dict[str, Marginals] = {
        path.parts[-3]: {"image": _marginal(path), "label": of_labels} for path in marginals
    }
    rows = [row for found in points.values() for row in _untrained(found, main)]
    rows += [row for path in identity for row in _identity(_read(path), main["image"])]
    for path in controls:
        name = path.parts[-5]
        found = _read(path)
        kind = slice_.controls[name].kind
        reference = own[name] if Variant(kind).own_marginal else main
        rows += _varied(name, kind, found, points[found.network], reference, main)
    write_rows(table, ControlRow, rows)
    job.record(table, dataset=data.header.fingerprint)


def _marginal(path: Path) -> Nats:
    with np.load(verified(path), allow_pickle=False) as archive:
        nats: Nats = archive["x"]
    return nats


def _read(path: Path) -> Evaluation:
    return read_evaluation(verified(path))


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
    name: str,
    kind: Kind,
    found: Evaluation,
    points: Evaluation,
    own: Marginals,
    main: Marginals,
) -> Iterator[ControlRow]:
    for (point, target), nats in found.nats.items():
        if target == UNTOUCHED.get(kind):
            continue
        own_information = main[target] - points.nats[point, target]
        if kind == "shuffled":
            checked = must_vanish(own[target], nats, float(own_information.mean()))
        else:
            checked = must_stay(own[target] - nats, own_information)
        yield control_row(checked, name, INFORMATION[target], point)
