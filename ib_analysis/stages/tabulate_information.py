"""Turn nats per image into estimates: information.csv, information.json and two_stages.csv."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ib_analysis import spec
from ib_analysis.artefacts import verified
from ib_analysis.datasets.dataset import Dataset, Header
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.cross_entropy import cross_entropy, information
from ib_analysis.information.estimate import Bound, Estimate
from ib_analysis.information.evaluation import Evaluation, read_evaluation
from ib_analysis.information.label_information import label_entropy, label_information, label_nats
from ib_analysis.information.quantity import Quantity
from ib_analysis.information.simultaneous_bands import simultaneous_band
from ib_analysis.information.stages_table import StagesRow, stages_rows, write_stages
from ib_analysis.information.table import InformationRow, information_row, write_information
from ib_analysis.information.two_stages import two_stages
from ib_analysis.provenance import Job

Nats = NDArray[np.float64]


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Path,
    marginal: Path,
    nats: list[Path],
    table: Path,
    json: Path,
    two_stages: Path,
) -> None:
    """Write the three tables."""
    data = open_dataset(dataset.parent)
    with np.load(verified(marginal), allow_pickle=False) as archive:
        marginal_nats = archive["x"]
    evaluations = [read_evaluation(verified(path)) for path in nats]
    rows = [*_of_dataset(data, marginal_nats)]
    for evaluation in evaluations:
        rows += _of_network(data, marginal_nats, evaluation)
    write_information(rows, table, json)
    write_stages(two_stages, [row for e in evaluations for row in _stages(data, marginal_nats, e)])
    for path in (table, json, two_stages):
        job.record(path, dataset=data.header.fingerprint)


def _of_dataset(data: Dataset, marginal_nats: Nats) -> Iterator[InformationRow]:
    header = data.header
    yield information_row(label_entropy(data.evaluation.labels))
    yield information_row(
        cross_entropy(marginal_nats, Quantity.IMAGE_CROSS_ENTROPY), dimensions=header.dimensions
    )
    if "H(x)" in (header.known or {}):
        yield information_row(
            _closed_form(Quantity.IMAGE_ENTROPY, "H(x)", header), dimensions=header.dimensions
        )


def _of_network(data: Dataset, marginal_nats: Nats, evaluation: Evaluation) -> Iterator[InformationRow]:
    critical = _critical(data, marginal_nats, evaluation)
    for epoch in evaluation.epochs:
        for tap in evaluation.taps:
            image, label = evaluation.nats[epoch, tap, "x"], evaluation.nats[epoch, tap, "y"]
            estimates = (
                cross_entropy(image, Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY),
                information(marginal_nats, image),
                cross_entropy(label, Quantity.CONDITIONAL_LABEL_CROSS_ENTROPY),
                label_information(data.evaluation.labels, label),
                *_known(data.header, tap),
            )
            for estimate in estimates:
                yield information_row(
                    estimate,
                    dimensions=data.header.dimensions,
                    encoder=evaluation.encoder,
                    regime=evaluation.regime,
                    seed=evaluation.seed,
                    epoch=epoch,
                    tap=tap,
                    band_nats=_band(estimate, critical, tap),
                )


def _critical(
    data: Dataset, marginal_nats: Nats, evaluation: Evaluation
) -> dict[tuple[Quantity, str], float]:
    """How many standard errors the band of each curve over epochs reaches; a lone epoch has no curve."""
    if len(evaluation.epochs) < 2:
        return {}
    marginals = {
        Quantity.IMAGE_INFORMATION: ("x", marginal_nats),
        Quantity.LABEL_INFORMATION: ("y", label_nats(data.evaluation.labels)),
    }
    return {
        (quantity, tap): simultaneous_band(
            [marginal - evaluation.nats[epoch, tap, target] for epoch in evaluation.epochs]
        ).critical
        for quantity, (target, marginal) in marginals.items()
        for tap in evaluation.taps
    }


def _band(estimate: Estimate, critical: dict[tuple[Quantity, str], float], tap: str) -> float | None:
    found = critical.get((estimate.quantity, tap))
    return None if found is None or estimate.bound is Bound.EXACT else found * estimate.stderr


def _known(header: Header, tap: str) -> Iterator[Estimate]:
    """The truth at a tap, where source and encoder have one."""
    for quantity, name in (
        (Quantity.IMAGE_INFORMATION, f"I(x;{tap})"),
        (Quantity.LABEL_INFORMATION, f"I(y;{tap})"),
    ):
        if header.known and name in header.known:
            yield _closed_form(quantity, name, header)


def _closed_form(quantity: Quantity, name: str, header: Header) -> Estimate:
    """What is known; its error is that of a Monte-Carlo mean where the source has no closed form."""
    known = header.known or {}
    return Estimate(
        quantity=quantity,
        value=known[name],
        stderr=known.get(f"stderr of {name}", 0.0),
        n=header.counts["evaluation"],
        method="closed form",
        bound=Bound.EXACT,
    )


def _stages(data: Dataset, marginal_nats: Nats, evaluation: Evaluation) -> list[StagesRow]:
    if len(evaluation.epochs) < 2:
        return []
    marginals = {"x": marginal_nats, "y": label_nats(data.evaluation.labels)}
    quantities = {"x": Quantity.IMAGE_INFORMATION, "y": Quantity.LABEL_INFORMATION}
    found = {
        (tap, quantities[target]): two_stages(
            marginal, [evaluation.nats[epoch, tap, target] for epoch in evaluation.epochs], evaluation.epochs
        )
        for tap in evaluation.taps
        for target, marginal in marginals.items()
    }
    return stages_rows(found, evaluation.encoder, evaluation.regime, evaluation.seed)
