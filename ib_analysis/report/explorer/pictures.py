"""The images of the explorer as PNG, each stored once in the page."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ib_analysis.figures.sample_grid import to_rgb
from ib_analysis.figures.samples import Samples
from ib_analysis.point import Point

Pixels = NDArray[np.uint8]


def png(image: Pixels, levels: int) -> str:
    """An image (C, H, W) of levels as PNG in base64, one byte a pixel where it is grey.

    The same image gives the same text under the same version of Pillow.

    Raises:
        UserError: neither one channel nor three.
    """
    rgb = to_rgb(image, levels)
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb[..., 0] if image.shape[0] == 1 else rgb)).save(
        file, "PNG", optimize=True
    )
    return b64encode(file.getvalue()).decode("ascii")


@dataclass
class Album:
    """Images by their number; an image that occurs again has the number of its first occurrence."""

    images: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def add(self, image: str) -> int:
        """The number of an image."""
        number = self._numbers.setdefault(image, len(self.images))
        if number == len(self.images):
            self.images.append(image)
        return number

    def size(self, images: Sequence[str]) -> int:
        """Characters that these images would add."""
        return sum(len(image) + 3 for image in set(images) - self._numbers.keys())


@dataclass(frozen=True)
class Drawn:
    """Numbers of the originals of a network and of the images drawn at its points, by draw and original."""

    classes: tuple[str, ...]
    originals: tuple[int, ...]
    draws: dict[Point, tuple[tuple[int, ...], ...]]
    of: int
    """How many originals there are; fewer are in the page where it would grow too large."""


def fill(album: Album, samples: Sequence[Samples], room: int) -> list[Drawn]:
    """Puts the originals of every network, with all that was drawn from them, into the album, as many as fit.

    All networks show equally many originals, so that a change of the point never changes what is compared.

    Args:
        album: takes the images.
        samples: of each network.
        room: characters that the images may take in all.
    """
    columns = [_columns(network) for network in samples]
    wanted = max((len(network) for network in columns), default=0)
    shown = 0
    while shown < wanted:
        new = [image for network in columns for image in sum(network[shown : shown + 1], ())]
        size = album.size(new)
        if size > room:
            break
        room -= size
        for image in new:
            album.add(image)
        shown += 1
    return [_drawn(album, *network, shown) for network in zip(samples, columns, strict=True)]


def _columns(samples: Samples) -> list[tuple[str, ...]]:
    """For each original: itself, then all its draws at all points."""
    return [
        (
            png(original, samples.levels),
            *(png(draw[i], samples.levels) for draws in samples.drawn.values() for draw in draws),
        )
        for i, original in enumerate(samples.originals)
    ]


def _drawn(album: Album, samples: Samples, columns: Sequence[tuple[str, ...]], shown: int) -> Drawn:
    numbers = [[album.add(image) for image in column] for column in columns[:shown]]
    draws: dict[Point, tuple[tuple[int, ...], ...]] = {}
    start = 1
    for point, images in samples.drawn.items():
        places = range(start, start + len(images))
        draws[point] = tuple(tuple(column[place] for column in numbers) for place in places)
        start += len(images)
    return Drawn(
        samples.classes[:shown], tuple(column[0] for column in numbers), draws, len(samples.originals)
    )
