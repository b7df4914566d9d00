"""Judge every controlled point: controls.csv and controls.json."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ib_analysis import spec
from ib_analysis.artefacts import verified
from ib_analysis.controls import Control as Variant
from ib_analysis.controls import Kind
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.controls import Checked, must_explain, must_stay, must_vanish, only_shown
from ib_analysis.information.controls_table import ControlRow, control_row, write_controls
from ib_analysis.information.evaluation import Evaluation, read_evaluation
from ib_analysis.information.label_information import label_nats
from ib_analysis.information.quantity import Quantity
from ib_analysis.provenance import Job

Nats = NDArray[np.float64]
Run = tuple[str, str, int]
QUANTITIES = {"x": Quantity.IMAGE_INFORMATION, "y": Quantity.LABEL_INFORMATION}
UNTOUCHED: Mapping[Kind, str] = {"filters": "y"}
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
    json: Path,
) -> None:
    """Write both tables.

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
        json: the same as JSON.
    """
    data = open_dataset(dataset.parent)
    of_labels = label_nats(data.evaluation.labels)
    main = {"x": _marginal(marginal), "y": of_labels}
    points = {_run(found): found for found in map(_read, nats)}
    own = {path.parts[-3]: {"x": _marginal(path), "y": of_labels} for path in marginals}
    rows = [row for found in points.values() for row in _untrained(found, main)]
    rows += [row for path in identity for row in _identity(_read(path), main["x"])]
    for path in controls:
        name = path.parts[-5]
        found = _read(path)
        kind = slice_.controls[name].kind
        reference = own[name] if Variant(kind).own_marginal else main
        rows += _varied(name, kind, found, points[_run(found)], reference, main)
    write_controls(rows, table, json)
    for path in (table, json):
        job.record(path, dataset=data.header.fingerprint)


def _marginal(path: Path) -> Nats:
    with np.load(verified(path), allow_pickle=False) as archive:
        nats: Nats = archive["x"]
    return nats


def _read(path: Path) -> Evaluation:
    return read_evaluation(verified(path))


def _run(found: Evaluation) -> Run:
    return found.encoder, found.regime, found.seed


def _row(
    checked: Checked, control: str, found: Evaluation, epoch: int, tap: str, quantity: Quantity
) -> ControlRow:
    encoder, regime, seed = _run(found)
    return control_row(
        checked, control, quantity, encoder=encoder, regime=regime, seed=seed, epoch=epoch, tap=tap
    )


def _untrained(found: Evaluation, main: Mapping[str, Nats]) -> Iterator[ControlRow]:
    """The network at epoch 0, where it is trained later."""
    if len(found.epochs) < 2:
        return
    for (epoch, tap, target), nats in found.nats.items():
        if epoch == 0:
            checked = only_shown(main[target] - nats)
            yield _row(checked, "untrained", found, epoch, tap, QUANTITIES[target])


def _identity(found: Evaluation, marginal: Nats) -> Iterator[ControlRow]:
    for (epoch, tap, target), nats in found.nats.items():
        if target == "x":
            checked = must_explain(marginal, nats)
            yield _row(checked, "identity", found, epoch, tap, Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY)


def _varied(
    name: str,
    kind: Kind,
    found: Evaluation,
    points: Evaluation,
    own: Mapping[str, Nats],
    main: Mapping[str, Nats],
) -> Iterator[ControlRow]:
    for (epoch, tap, target), nats in found.nats.items():
        if target == UNTOUCHED.get(kind):
            continue
        point = main[target] - points.nats[epoch, tap, target]
        if kind == "shuffled":
            checked = must_vanish(own[target], nats, float(point.mean()))
        else:
            checked = must_stay(own[target] - nats, point)
        yield _row(checked, name, found, epoch, tap, QUANTITIES[target])
