"""Nats of every evaluation image under the decoders of one network, kept per image so that differences pair."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decoders.training.atomic_file import replacing
from decoders.training.failures import reading
from ib_analysis.errors import UserError
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.point import Network, Point, Target

Nats = NDArray[np.float64]
INFORMATION: Mapping[Target, Quantity] = {
    "image": Quantity.IMAGE_INFORMATION,
    "label": Quantity.LABEL_INFORMATION,
}
"""The information that is computed from the nats of each target."""
_ADDRESSES = "addresses"


@dataclass(frozen=True)
class Evaluation:
    """-log q of every evaluation image, in nats, shape (images,), for each point and target of one network.

    `variant` names the variant of the measurement whose decoders they are.
    """

    variant: str
    network: Network
    nats: Mapping[tuple[Point, Target], Nats]

    @property
    def epochs(self) -> list[int]:
        """The measured epochs, in increasing order."""
        return sorted({point.epoch for point, _ in self.nats})

    @property
    def taps(self) -> list[str]:
        """The measured taps, in network order."""
        return list(dict.fromkeys(point.tap for point, _ in self.nats))

    def at(self, epoch: int, tap: str, target: Target) -> Nats:
        """The nats of one point and target."""
        return self.nats[self.network.at(epoch, tap), target]


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write the arrays and the address of each to an .npz file, atomically."""
    addresses = [point._asdict() | {"target": target} for point, target in evaluation.nats]
    arrays = {str(number): values for number, values in enumerate(evaluation.nats.values())}
    header = json.dumps(evaluation.network._asdict() | {"variant": evaluation.variant, "points": addresses})
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **{_ADDRESSES: np.array(header)}, **arrays)


def read_evaluation(path: Path) -> Evaluation:
    """Read what `write_evaluation` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    with _archive(path) as archive:
        header = json.loads(str(archive[_ADDRESSES]))
        nats = {
            (Point.of(address), address["target"]): archive[str(number)]
            for number, address in enumerate(header["points"])
        }
        return Evaluation(str(header["variant"]), Network.of(header), nats)


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
    with _archive(path) as archive:
        return MarginalEvaluation(str(archive["variant"]), archive["x"])


@contextmanager
def _archive(path: Path) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Open the arrays of a file; an error of reading becomes a UserError that names the file."""
    with (
        reading(path, "does not hold nats per image", "remove it and run again.", UserError),
        np.load(path, allow_pickle=False) as archive,
    ):
        yield archive
