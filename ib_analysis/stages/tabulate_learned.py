"""Information of the images that a network has learned on, beside that of new images: learned.csv."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from decoders.mixture import averaged
from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.errors import UserError
from ib_analysis.information.inference.repeated_fits import RepeatedEstimate, moderated, repeated_estimates
from ib_analysis.information.measurement.evaluation import (
    INFORMATION,
    Evaluation,
    Nats,
    read_evaluation,
    read_marginal_evaluation,
)
from ib_analysis.information.measurement.label_information import label_nats
from ib_analysis.information.measurement.own_images import OwnImages, read_own_images
from ib_analysis.information.tables.learned import LearnedRow, learned_row
from ib_analysis.point import Point, Target
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows

FEWEST = 2
"""Images of each kind, without which a mean has no error."""
Members = NDArray[np.float64]
"""Nats of each fit and image, shape (fits, images)."""


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


@dataclass(frozen=True)
class _Kind:
    """Images of one kind under each fit: where nothing is known of h, and at every point."""

    marginal: Members
    points: Mapping[Point, Members]

    @property
    def informations(self) -> list[Members]:
        """Of each point under each fit, by its own p(x) or by f(y)."""
        return [self.marginal - nats for nats in self.points.values()]

    def estimates(self) -> tuple[RepeatedEstimate, ...]:
        """Of each point, by the average of the fits' probabilities."""
        whole = averaged(self.marginal)
        return repeated_estimates(
            whole,
            [averaged(nats) for nats in self.points.values()],
            [list(whole - found) for found in self.informations],
        )


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    marginal: list[Artefact],
    nats: list[Artefact],
    own_nats: list[Artefact],
    table: Path,
) -> None:
    """Write the table; the fits come in the order of the marginals."""
    data = open_dataset(dataset.parent)
    unconditional = {one.variant: one.nats for one in map(read_marginal_evaluation, marginal)}
    evaluations = [read_evaluation(path) for path in nats]
    own = [read_own_images(path) for path in own_nats]
    for name, count in (("encoder", len(own[0].rows)), ("evaluation", len(data.evaluation))):
        if count < FEWEST:
            raise UserError(
                f"the {name} part has {count} images, too few for an error: give it more of them."
            )
    rows: list[LearnedRow] = []
    for network in dict.fromkeys(one.network for one in own):
        new = {one.variant: one for one in evaluations if one.network == network}
        learned = {one.variant: one for one in own if one.network == network}
        for target in data.header.targets:
            others = _new(data, [*unconditional.values()], [new[name] for name in unconditional], target)
            rows += _rows(target, _learned(data, [learned[name] for name in unconditional], target), others)
    write_rows(table, LearnedRow, rows)
    job.record(table)


def _new(data: Dataset, unconditional: Sequence[Nats], fits: Sequence[Evaluation], target: Target) -> _Kind:
    """Images of the evaluation part."""
    points = {point: np.stack([fit.alone(point, target) for fit in fits]) for point in fits[0].points}
    return _Kind(_marginal(target, unconditional, np.asarray(data.evaluation.labels)), points)


def _learned(data: Dataset, fits: Sequence[OwnImages], target: Target) -> _Kind:
    """Images of the encoder part."""
    of_fits = [fit.of_target(target) for fit in fits]
    points = {point: np.stack([nats[point] for nats in of_fits]) for point in of_fits[0]}
    labels = np.asarray(data.encoder.labels)[fits[0].rows]
    return _Kind(_marginal(target, [fit.marginal for fit in fits], labels), points)


def _marginal(target: Target, of_images: Sequence[Nats], labels: NDArray[np.int64]) -> Members:
    """-log q(x) of each fit; of labels -log f(y), with the frequencies of this kind of images."""
    return np.stack(of_images if target == "image" else [label_nats(labels)] * len(of_images))


def _rows(target: Target, learned: _Kind, others: _Kind) -> Iterator[LearnedRow]:
    by_fit = [
        of_learned.mean(axis=1) - of_others.mean(axis=1)
        for of_learned, of_others in zip(learned.informations, others.informations, strict=True)
    ]
    for point, own, other, spread in zip(
        learned.points, learned.estimates(), others.estimates(), moderated(by_fit), strict=True
    ):
        difference = RepeatedEstimate(
            own.nats - other.nats,
            math.hypot(own.stderr_images_nats, other.stderr_images_nats),
            spread,
            own.n_images + other.n_images - 1,  # one mean is known for each kind
            own.n_fits,
        )
        yield learned_row(point, INFORMATION[target], own, other, difference)
