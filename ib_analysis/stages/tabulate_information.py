"""Turn nats per image into estimates: information.csv and two_stages.csv."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from decoders.mixture import averaged
from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.dataset import Dataset, Header
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.inference.network_stages import Curves, network_stages
from ib_analysis.information.inference.repeated_fits import FitSpread, moderated, repeated_estimates
from ib_analysis.information.inference.simultaneous_bands import simultaneous_band
from ib_analysis.information.measurement.cross_entropy import cross_entropy, information
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.evaluation import (
    INFORMATION,
    Nats,
    read_evaluation,
    read_marginal_evaluation,
)
from ib_analysis.information.measurement.label_information import label_entropy, label_information, label_nats
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.measurement.repeated_evaluation import RepeatedEvaluation, by_network
from ib_analysis.information.tables.information import InformationRow, information_row
from ib_analysis.information.tables.two_stages import StagesRow, Tap, stages_rows
from ib_analysis.point import Point, Target
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows

Values = NDArray[np.float64]
Members = Values
"""Nats of each fit and image, shape (fits, images)."""


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


@dataclass(frozen=True)
class Measured:
    """All that was evaluated: p(x) under each fit, and every network under the same fits.

    `spreads` says of every point and target how far one fit lies from the mean of fits; None where that is unknown.
    """

    data: Dataset
    unconditional: Members
    networks: Sequence[RepeatedEvaluation]
    spreads: Mapping[tuple[Point, Target], FitSpread | None]

    @property
    def marginals(self) -> dict[Target, Nats]:
        """Nats of each evaluation image and of its label where nothing is known of h."""
        return {"image": averaged(self.unconditional), "label": label_nats(self.data.evaluation.labels)}


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    marginal: list[Artefact],
    nats: list[Artefact],
    table: Path,
    two_stages: Path,
) -> None:
    """Write both tables."""
    data = open_dataset(dataset.parent)
    unconditional = np.stack([read_marginal_evaluation(path).nats for path in marginal])
    networks = by_network([read_evaluation(path) for path in nats])
    measured = Measured(data, unconditional, networks, _spreads(data, unconditional, networks))
    rows = [*_of_dataset(measured)]
    for network in networks:
        rows += _of_network(measured, network)
    write_rows(table, InformationRow, rows)
    write_rows(two_stages, StagesRow, _stages(measured))
    for path in (table, two_stages):
        job.record(path, dataset=data.header.fingerprint)


def _spreads(
    data: Dataset, unconditional: Members, networks: Sequence[RepeatedEvaluation]
) -> dict[tuple[Point, Target], FitSpread | None]:
    """The spread of fits at every point, which all points of a target tell together."""
    marginals: dict[Target, Nats] = {
        "image": averaged(unconditional),
        "label": label_nats(data.evaluation.labels),
    }
    spreads: dict[tuple[Point, Target], FitSpread | None] = {}
    for target, marginal in marginals.items():
        points = [
            (network.network.at(epoch, tap), network.at(epoch, tap, target))
            for network in networks
            for epoch in network.epochs
            for tap in network.taps
        ]
        members = [list(found) for _, found in points]
        estimates = repeated_estimates(marginal, [averaged(found) for _, found in points], members)
        spreads |= {(point, target): one.fits for (point, _), one in zip(points, estimates, strict=True)}
    return spreads


def _of_dataset(measured: Measured) -> Iterator[InformationRow]:
    header = measured.data.header
    yield information_row(label_entropy(measured.data.evaluation.labels))
    (spread,) = moderated([measured.unconditional.mean(axis=1)])
    yield information_row(
        cross_entropy(measured.marginals["image"], Quantity.IMAGE_CROSS_ENTROPY),
        n_fits=len(measured.unconditional),
        spread=spread,
        dimensions=header.dimensions,
    )
    if "H(x)" in (header.known or {}):
        yield information_row(
            _closed_form(Quantity.IMAGE_ENTROPY, "H(x)", header), dimensions=header.dimensions
        )


def _of_network(measured: Measured, network: RepeatedEvaluation) -> Iterator[InformationRow]:
    critical, marginals = _critical(measured, network), measured.marginals
    header, labels = measured.data.header, measured.data.evaluation.labels
    for epoch in network.epochs:
        for tap in network.taps:
            point = network.network.at(epoch, tap)
            image, label = (averaged(network.at(epoch, tap, target)) for target in ("image", "label"))
            estimates = (
                cross_entropy(image, Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY),
                information(marginals["image"], image),
                cross_entropy(label, Quantity.CONDITIONAL_LABEL_CROSS_ENTROPY),
                label_information(labels, label),
            )
            for estimate in estimates:
                yield information_row(
                    estimate,
                    point,
                    n_fits=len(network.fits),
                    spread=measured.spreads[point, estimate.quantity.target],
                    dimensions=header.dimensions,
                    band_nats=_band(estimate, critical, tap),
                )
            for known in _known(header, tap):
                yield information_row(known, point, dimensions=header.dimensions)


def _critical(measured: Measured, network: RepeatedEvaluation) -> dict[tuple[Quantity, str], float]:
    """How many standard errors the band of each curve over epochs reaches; a lone epoch has no curve."""
    if len(network.epochs) < 2:
        return {}
    return {
        (INFORMATION[target], tap): simultaneous_band(
            [marginal - averaged(network.at(epoch, tap, target)) for epoch in network.epochs]
        ).critical
        for target, marginal in measured.marginals.items()
        for tap in network.taps
    }


def _band(estimate: Estimate, critical: dict[tuple[Quantity, str], float], tap: str) -> float | None:
    found = critical.get((estimate.quantity, tap))
    return None if found is None else found * estimate.stderr


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


def _stages(measured: Measured) -> list[StagesRow]:
    """The verdicts of the experiment; those on one quantity are a family of tests."""
    rows: list[StagesRow] = []
    for target, marginal in measured.marginals.items():
        rows += stages_rows(network_stages(_curves(measured.networks, target, marginal)), len(marginal))
    return rows


def _curves(networks: Sequence[RepeatedEvaluation], target: Target, marginal: Nats) -> dict[Tap, Curves]:
    """The information of every network of each encoder and regime along the epochs, fit by fit."""
    groups: dict[Tap, list[RepeatedEvaluation]] = {}
    for network in networks:
        for tap in network.taps if len(network.epochs) > 1 else ():
            key = Tap(network.network.encoder, network.network.regime, tap, INFORMATION[target])
            groups.setdefault(key, []).append(network)
    return {
        key: Curves(tuple(group[0].epochs), tuple(marginal - _along(one, key.tap, target) for one in group))
        for key, group in groups.items()
    }


def _along(network: RepeatedEvaluation, tap: str, target: Target) -> Values:
    """Nats of a tap along the epochs, shape (fits, epochs, images)."""
    return np.stack([network.at(epoch, tap, target) for epoch in network.epochs], axis=1)
