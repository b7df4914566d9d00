"""Turn nats per image into estimates: information.csv and two_stages.csv."""

from collections.abc import Iterator
from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import verified
from ib_analysis.datasets.dataset import Dataset, Header
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.inference.simultaneous_bands import simultaneous_band
from ib_analysis.information.inference.two_stages import two_stages
from ib_analysis.information.measurement.cross_entropy import cross_entropy, information
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.evaluation import (
    INFORMATION,
    Evaluation,
    Nats,
    read_evaluation,
    read_marginal_evaluation,
)
from ib_analysis.information.measurement.label_information import label_entropy, label_information, label_nats
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow, information_row
from ib_analysis.information.tables.two_stages import StagesRow, stages_rows
from ib_analysis.point import Target
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows


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
    two_stages: Path,
) -> None:
    """Write both tables."""
    data = open_dataset(dataset.parent)
    marginal_nats = read_marginal_evaluation(verified(marginal)).nats
    evaluations = [read_evaluation(verified(path)) for path in nats]
    rows = [*_of_dataset(data, marginal_nats)]
    for evaluation in evaluations:
        rows += _of_network(data, marginal_nats, evaluation)
    write_rows(table, InformationRow, rows)
    stages = [row for e in evaluations for row in _stages(data, marginal_nats, e)]
    write_rows(two_stages, StagesRow, stages)
    for path in (table, two_stages):
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
            image, label = evaluation.at(epoch, tap, "image"), evaluation.at(epoch, tap, "label")
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
                    evaluation.network.at(epoch, tap),
                    dimensions=data.header.dimensions,
                    band_nats=_band(estimate, critical, tap),
                )


def _critical(
    data: Dataset, marginal_nats: Nats, evaluation: Evaluation
) -> dict[tuple[Quantity, str], float]:
    """How many standard errors the band of each curve over epochs reaches; a lone epoch has no curve."""
    if len(evaluation.epochs) < 2:
        return {}
    return {
        (INFORMATION[target], tap): simultaneous_band(
            [marginal - evaluation.at(epoch, tap, target) for epoch in evaluation.epochs]
        ).critical
        for target, marginal in _marginals(data, marginal_nats).items()
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
    marginals = _marginals(data, marginal_nats)
    found = {
        (tap, INFORMATION[target]): two_stages(
            marginal, [evaluation.at(epoch, tap, target) for epoch in evaluation.epochs], evaluation.epochs
        )
        for tap in evaluation.taps
        for target, marginal in marginals.items()
    }
    return stages_rows(found, evaluation.network)


def _marginals(data: Dataset, marginal_nats: Nats) -> dict[Target, Nats]:
    """Nats of each evaluation image and of its label where nothing is known of h."""
    return {"image": marginal_nats, "label": label_nats(data.evaluation.labels)}
