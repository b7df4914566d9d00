"""Nats of images that a network has learned on, under its decoders, which never saw them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from decoders.training.atomic_file import replacing
from ib_analysis.information.measurement.evaluation import HEADER, Nats, open_arrays
from ib_analysis.point import Network, Point, Target

ROWS, MARGINAL = "rows", "marginal"


@dataclass(frozen=True)
class OwnImages:
    """What the decoders of one network say of images of the encoder part, in nats, shape (images,).

    `variant` names the variant of the measurement whose decoders they are, `rows` are those of the encoder part.
    `marginal` is -log q(x). `nats` is -log q(x | h) of each point, and -log q(y | h) where the images have labels.
    """

    variant: str
    network: Network
    rows: NDArray[np.int64]
    marginal: Nats
    nats: Mapping[tuple[Point, Target], Nats]

    def of_target(self, target: Target) -> dict[Point, Nats]:
        """The nats of every point under its decoder of images or of labels."""
        return {point: nats for (point, of), nats in self.nats.items() if of == target}


def write_own_images(path: Path, found: OwnImages) -> None:
    """Write the arrays and the address of each to an .npz file, atomically."""
    addresses = [point._asdict() | {"target": target} for point, target in found.nats]
    about = {"variant": found.variant, "part": "encoder", "points": addresses}
    arrays = {str(number): values for number, values in enumerate(found.nats.values())}
    arrays |= {HEADER: np.array(json.dumps(found.network._asdict() | about))}
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **{ROWS: found.rows, MARGINAL: found.marginal}, **arrays)


def read_own_images(path: Path) -> OwnImages:
    """Read what `write_own_images` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    with open_arrays(path) as archive:
        header = json.loads(str(archive[HEADER]))
        if header.get("part") != "encoder":
            raise ValueError("it holds other images than those of the encoder part")
        nats: dict[tuple[Point, Target], Nats] = {
            (Point.of(address), address["target"]): archive[str(number)]
            for number, address in enumerate(header["points"])
        }
        network = Network.of(header)
        return OwnImages(str(header["variant"]), network, archive[ROWS], archive[MARGINAL], nats)
