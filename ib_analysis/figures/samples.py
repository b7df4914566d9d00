"""Samples of p(x | h) for the taps of one network, with their originals."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from decoders.training.failures import reading
from ib_analysis.errors import UserError
from ib_analysis.point import Network, Point


@dataclass(frozen=True)
class Samples:
    """Originals (n, C, H, W), their rows in the evaluation part, and the samples of each point.

    Samples have the shape (draws, n, C, H, W).
    """

    network: Network
    levels: int
    rows: NDArray[np.int64]
    originals: NDArray[np.uint8]
    classes: tuple[str, ...]
    drawn: Mapping[Point, NDArray[np.uint8]]

    def at(self, epoch: int, tap: str) -> NDArray[np.uint8]:
        """The samples of one point."""
        return self.drawn[self.network.at(epoch, tap)]

    def epochs(self) -> list[int]:
        """The sampled epochs, in increasing order."""
        return sorted({point.epoch for point in self.drawn})

    def taps(self) -> list[str]:
        """The sampled taps, in network order."""
        return list(dict.fromkeys(point.tap for point in self.drawn))

    def first(self, count: int | None) -> "Samples":
        """The same of the first images alone; None for all."""
        return Samples(
            self.network,
            self.levels,
            self.rows[:count],
            self.originals[:count],
            self.classes[:count],
            {point: images[:, :count] for point, images in self.drawn.items()},
        )


def write_samples(path: Path, samples: Samples) -> None:
    """Writes the arrays with the network and the point of each to an .npz file."""
    header = {
        "network": samples.network._asdict(),
        "levels": samples.levels,
        "classes": samples.classes,
        "points": [point._asdict() for point in samples.drawn],
    }
    drawn = {str(number): images for number, images in enumerate(samples.drawn.values())}
    np.savez(
        path,
        allow_pickle=False,
        header=np.array(json.dumps(header)),
        rows=samples.rows,
        originals=samples.originals,
        **drawn,
    )


def read_samples(path: Path) -> Samples:
    """Reads a file written by `write_samples`.

    Raises:
        UserError: the file is missing, truncated, or not a file of samples.
    """
    with (
        reading(path, "does not hold samples", "remove it and run again.", UserError),
        np.load(path, allow_pickle=False) as archive,
    ):
        header = json.loads(str(archive["header"]))
        points = [Point.of(record) for record in header["points"]]
        return Samples(
            Network.of(header["network"]),
            int(header["levels"]),
            archive["rows"],
            archive["originals"],
            tuple(header["classes"]),
            {point: archive[str(number)] for number, point in enumerate(points)},
        )
