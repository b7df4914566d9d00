"""Nats of every evaluation image under the decoders of one network, kept per image so that differences pair."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from decoders.training.atomic_file import replacing
from decoders.training.failures import reading
from ib_analysis.errors import UserError
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.point import Network, Point, Target

Nats = NDArray[np.float64]
INFORMATION: Mapping[Target, Quantity] = {
    "image": Quantity.IMAGE_INFORMATION,
    "label": Quantity.LABEL_INFORMATION,
}
"""The information that is computed from the nats of each target."""
HEADER = "header"
KINDS = ("evaluation", "holdout", "fitted")
OF_POINT = ("image", "classes", "label")


@dataclass(frozen=True)
class PointNats:
    """What the decoders of one point say of the images of each kind, in nats.

    `image` is -log q(x | h), shape (images,). `classes` is log q(y | h) of every class y, shape (images, classes), and
    `label` is -log q(y | h) of the own label, shape (images,); both are None of images without labels.
    """

    image: Parts
    classes: Parts | None = None
    label: Parts | None = None

    @classmethod
    def of(cls, image: Parts, classes: Parts, labels: Sequence[NDArray[np.int64]]) -> Self:
        """From the classes' log-probabilities and the labels of the images of each kind."""
        own = [nats_of_own(*found) for found in zip(classes, labels, strict=True)]
        return cls(image, classes, Parts(*own))

    def of_target(self, target: Target) -> Parts:
        """-log q of the image or of its label, shape (images,).

        Raises:
            UserError: the images have no labels.
        """
        found = self.image if target == "image" else self.label
        if found is None:
            raise UserError(
                "these nats are of images without labels: evaluate them again on images that have labels."
            )
        return found


def nats_of_own(log_classes: Nats, labels: NDArray[np.int64]) -> Nats:
    """-log q(y | h) of the own label of each image, shape (images,), from log q(y | h), shape (images, classes)."""
    found: Nats = -np.take_along_axis(log_classes, np.asarray(labels)[:, np.newaxis], axis=1)[:, 0]
    return found


class Ceiling(NamedTuple):
    """H(h) in nats with its standard error: no information in h exceeds it."""

    nats: float
    stderr_nats: float


@dataclass(frozen=True)
class Evaluation:
    """What the decoders of one network say at each point; `variant` names the variant of the measurement.

    `ceilings` are of the points whose h takes so few values that its entropy can be counted.
    """

    variant: str
    network: Network
    points: Mapping[Point, PointNats]
    ceilings: Mapping[Point, Ceiling] = field(default_factory=dict)

    @property
    def epochs(self) -> list[int]:
        """The measured epochs, in increasing order."""
        return sorted({point.epoch for point in self.points})

    @property
    def taps(self) -> list[str]:
        """The measured taps, in network order."""
        return list(dict.fromkeys(point.tap for point in self.points))

    def alone(self, point: Point, target: Target) -> Nats:
        """-log q of every evaluation image, or of its label, under the point's own decoder and nothing else."""
        return self.points[point].of_target(target).evaluation


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write the arrays and the address of each to an .npz file, atomically."""
    header = evaluation.network._asdict() | {
        "variant": evaluation.variant,
        "points": [point._asdict() for point in evaluation.points],
        "ceilings": [evaluation.ceilings.get(point) for point in evaluation.points],
    }
    write_points(path, json.dumps(header), list(evaluation.points.values()))


def read_evaluation(path: Path) -> Evaluation:
    """Read what `write_evaluation` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    with open_arrays(path) as archive:
        header = json.loads(str(archive[HEADER]))
        points = {
            Point.of(address): read_point(archive, number) for number, address in enumerate(header["points"])
        }
        of_points = zip(points, header["ceilings"], strict=True)
        ceilings = {point: Ceiling(*ceiling) for point, ceiling in of_points if ceiling is not None}
        return Evaluation(str(header["variant"]), Network.of(header), points, ceilings)


@dataclass(frozen=True)
class MarginalEvaluation:
    """-log q(x) of every evaluation image, in nats, shape (images,), under one variant of the measurement."""

    variant: str
    nats: Nats


def write_marginal_evaluation(path: Path, evaluation: MarginalEvaluation) -> None:
    """Write the nats and the name of the variant to an .npz file, atomically."""
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, variant=np.array(evaluation.variant), x=evaluation.nats)


def read_marginal_evaluation(path: Path) -> MarginalEvaluation:
    """Read what `write_marginal_evaluation` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    with open_arrays(path) as archive:
        return MarginalEvaluation(str(archive["variant"]), archive["x"])


@dataclass(frozen=True)
class MixedMarginal:
    """The mixture that makes CE(x) under the decoders of one variant, in nats.

    `image` is -log q(x), shape (images,). `of_classes` is -log q(x | y) for every class y, shape (classes, images);
    None where no decoder was fitted to labels.
    """

    variant: str
    image: Parts
    of_classes: Parts | None


def write_mixed_marginal(path: Path, mixed: MixedMarginal) -> None:
    """Write the arrays and the name of the variant to an .npz file, atomically."""
    classes = {} if mixed.of_classes is None else _arrays("of_classes", mixed.of_classes)
    with replacing(path) as temporary:
        variant = np.array(mixed.variant)
        np.savez(temporary, allow_pickle=False, variant=variant, **_arrays("image", mixed.image), **classes)


def read_mixed_marginal(path: Path) -> MixedMarginal:
    """Read what `write_mixed_marginal` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    with open_arrays(path) as archive:
        classes = _parts(archive, "of_classes") if _holds(archive, "of_classes") else None
        return MixedMarginal(str(archive["variant"]), _parts(archive, "image"), classes)


def write_points(path: Path, header: str, points: Sequence[PointNats]) -> None:
    """Write the arrays of points, and a JSON header that says in the same order what they are, atomically."""
    arrays: dict[str, Nats] = {}
    for number, found in enumerate(points):
        parts = {name: getattr(found, name) for name in OF_POINT}
        for name, values in parts.items():
            arrays |= {} if values is None else _arrays(f"{number}.{name}", values)
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **{HEADER: np.array(header)}, **arrays)


def read_point(archive: Mapping[str, NDArray[Any]], number: int) -> PointNats:
    """The arrays of the point of that number."""
    found = {
        name: _parts(archive, f"{number}.{name}") for name in OF_POINT if _holds(archive, f"{number}.{name}")
    }
    return PointNats(**found)


def _arrays(name: str, parts: Parts) -> dict[str, Nats]:
    return {f"{name}.{kind}": values for kind, values in zip(KINDS, parts, strict=True)}


def _holds(archive: Mapping[str, NDArray[Any]], name: str) -> bool:
    return f"{name}.{KINDS[0]}" in archive


def _parts(archive: Mapping[str, NDArray[Any]], name: str) -> Parts:
    return Parts(*(archive[f"{name}.{kind}"] for kind in KINDS))


@contextmanager
def open_arrays(path: Path) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Open the arrays of a file; an error of reading becomes a UserError that names the file."""
    with (
        reading(path, "does not hold nats per image", "remove it and run again.", UserError),
        np.load(path, allow_pickle=False) as archive,
    ):
        yield archive
