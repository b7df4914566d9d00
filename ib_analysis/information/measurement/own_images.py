"""Nats of images that a network was trained on, under its decoders, which never saw them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from decoders.training.atomic_file import replacing
from ib_analysis.information.measurement.evaluation import HEADER, Nats, open_arrays
from ib_analysis.point import Network, Point


@dataclass(frozen=True)
class OwnImages:
    """-log q(x | h) of images of the encoder part, in nats, shape (images,), for each point of one network.

    `variant` names the variant of the measurement whose decoders they are.
    """

    variant: str
    network: Network
    nats: Mapping[Point, Nats]


def write_own_images(path: Path, found: OwnImages) -> None:
    """Write the arrays and the address of each to an .npz file, atomically."""
    points = [point._asdict() for point in found.nats]
    header = json.dumps(
        found.network._asdict() | {"variant": found.variant, "part": "encoder", "points": points}
    )
    arrays = {str(number): values for number, values in enumerate(found.nats.values())}
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **{HEADER: np.array(header)}, **arrays)


def read_own_images(path: Path) -> OwnImages:
    """Read what `write_own_images` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    with open_arrays(path) as archive:
        header = json.loads(str(archive[HEADER]))
        if header.get("part") != "encoder":
            raise ValueError("it holds other images than those of the encoder part")
        nats = {Point.of(address): archive[str(i)] for i, address in enumerate(header["points"])}
        return OwnImages(str(header["variant"]), Network.of(header), nats)
