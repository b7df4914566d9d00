"""Baseline estimators at every epoch and tap of one network, on evaluation images."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from decoders.training.progress import progress
from ib_analysis import spec
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.dataset import Dataset, Part
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.encoders.specs.measured_network import MeasuredNetwork
from ib_analysis.errors import UserError
from ib_analysis.information.estimators.catalogue import estimator
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.measurement.evaluation import INFORMATION
from ib_analysis.information.tables.information import InformationRow, information_row
from ib_analysis.point import Point, Target
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.seen_by_network import Seen


class Spec(MeasuredNetwork):
    """Slice of the experiment."""

    image: dict[str, spec.Described]
    label: dict[str, spec.Described]
    part: Literal["evaluation", "all"]
    images: int | None
    seen_by_network: Seen | None = None


def run(slice_: Spec, job: Job, *, dataset: Artefact, checkpoints: Artefact, table: Path) -> None:
    """Write the table: a row for each epoch, tap, quantity and method."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    part = first_images(data.evaluation if slice_.part == "evaluation" else whole(data), slice_.images)
    methods: dict[Target, dict[str, Estimator]] = {
        "image": build_estimators(slice_.image),
        "label": build_estimators(slice_.label),
    }
    network = slice_.network
    places = [(epoch, tap) for epoch in slice_.epochs for tap in slice_.taps]
    label = f"baselines {slice_.encoder} {slice_.regime} seed {slice_.seed}"
    rows: list[InformationRow] = []
    for epoch, tap in progress(places, label):
        encoder = load_checkpoint(checkpoints / checkpoint_name(epoch)).encoder.to(device)
        h = (
            RecomputedActivations(encoder, part, device, slice_.precision)
            .all_rows(tap)
            .cpu()
            .flatten(1)
            .numpy()
        )
        rows += _rows(methods, part, h, network.at(epoch, tap), slice_.seen_by_network)
    write_rows(table, InformationRow, rows)
    job.record(table)


def build_estimators(methods: Mapping[str, spec.Described]) -> dict[str, Estimator]:
    """Build the estimators with their settings, by name.

    Raises:
        UserError: a setting that the method does not have, or refuses.
    """
    return {name: estimator(name, **described.spec) for name, described in methods.items()}


def whole(data: Dataset) -> Part:
    """All images of a data set, of all three parts."""
    parts = (data.encoder, data.decoder, data.evaluation)
    images, labels = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels")
    )
    return Part("evaluation", images, labels)


def first_images(part: Part, count: int | None) -> Part:
    """The first images of the part, whose order is random; all of them where no count is given."""
    return part if count is None else Part(part.name, part.images[:count], part.labels[:count])


def _rows(
    methods: Mapping[Target, Mapping[str, Estimator]],
    part: Part,
    h: NDArray[np.float32],
    point: Point,
    seen: Seen | None,
) -> Iterator[InformationRow]:
    images = np.asarray(part.images).reshape(len(part), -1)
    targets: dict[Target, NDArray[Any]] = {"image": images, "label": part.labels}
    for target, of in targets.items():
        for name, method in methods[target].items():
            x, y = (of, h) if target == "image" else (h, of)
            try:
                found = method.estimate(x, y, INFORMATION[target])
            except UserError as error:
                print(f"{name} gives no {INFORMATION[target]} at {point.label}: {error}")
                continue
            yield information_row(
                found.model_copy(update={"method": name}),
                point,
                dimensions=images.shape[1],
                seen_by_network=seen,
            )
