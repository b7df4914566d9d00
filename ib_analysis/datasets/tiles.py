"""Square tiles of one level each, seen through a symmetric channel."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, logsumexp

from ib_analysis.datasets.half_label import CLASS_NAMES, half_label, half_shares
from ib_analysis.datasets.image_law import (
    ImageLaw,
    SymmetricNoise,
    label_facts,
    log_nats,
    rows_of_label_in_first_row,
)

MOST_CONTENTS = 2**16
"""Largest number of contents of a tile, over which its entropy is summed."""


@dataclass(frozen=True)
class Tiles(ImageLaw):
    """Each tile of each channel has a level, uniform on 0..q-1; a sub-pixel shows another one with probability e.

    Tiles are independent, and so are the sub-pixels of a tile given its level. The entropy of m sub-pixels of a tile
    is a sum over their q^m contents, so that of the image and that of its top rows are exact. The label is whether the
    first sub-pixel is in the upper half of the levels.

    Attributes:
        size: height and width in pixels.
        levels: number of levels, q.
        channels: 1 for grey, 3 for RGB.
        side: height and width of a tile in pixels.
        probability: e; where a sub-pixel errs, the other levels are equally likely.

    >>> from ib_analysis.units import bits
    >>> round(bits(Tiles(8, 4, 1, 2, 0.0).known(0.0)["H(x)"]), 6)
    32.0
    """

    size: int
    levels: int
    channels: int
    side: int
    probability: float
    class_names = CLASS_NAMES

    def __post_init__(self) -> None:
        if self.size % self.side or self.levels**self.side**2 > MOST_CONTENTS:
            raise ValueError(
                f"tiles of {self.side} pixels and {self.levels} levels do not fill {self.size} pixels, or have more "
                f"than {MOST_CONTENTS} contents"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, S, S)."""
        return self.channels, self.size, self.size

    @property
    def _tiles(self) -> int:
        """Number of tiles in a line of tiles, all channels together."""
        return self.channels * self.size // self.side

    @property
    def _noise(self) -> SymmetricNoise:
        return SymmetricNoise(self.probability, self.levels)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draws a level for each tile, then what each sub-pixel shows of it."""
        across = self.size // self.side
        tiles = rng.integers(0, self.levels, (n, self.channels, across, across))
        images = tiles.repeat(self.side, 2).repeat(self.side, 3)
        return self._noise(images.ravel(), rng).reshape(images.shape).astype(np.uint8)

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Whether the first sub-pixel is in the upper half of the levels."""
        return half_label(images, self.levels)

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The sum over all tiles."""
        across = self.size // self.side
        parts = images.reshape(len(images), self.channels, across, self.side, across, self.side)
        tiles = parts.transpose(0, 1, 2, 4, 3, 5).reshape(len(images), -1, self.side**2)
        return np.asarray(_log_probability(tiles, self._noise).sum(1))

    def known(self, label_noise: float) -> dict[str, float]:
        """The top t rows are whole tiles, and below them the top rows of further ones."""
        label = label_facts(half_shares(np.full(self.levels, 1 / self.levels)), label_noise)
        known = {f"I(x;rows{t})": self._nats_of_rows(t) for t in range(1, self.size + 1)}
        rows = rows_of_label_in_first_row(self.size, label)
        return known | {"H(x)": known[f"I(x;rows{self.size})"]} | label | rows

    def _nats_of_rows(self, t: int) -> float:
        whole, cut = divmod(t, self.side)
        of_whole, of_cut = (_nats(rows * self.side, self._noise) for rows in (self.side, cut))
        return self._tiles * (whole * of_whole + of_cut)


@cache
def _nats(sub_pixels: int, noise: SymmetricNoise) -> float:
    """Entropy of so many sub-pixels of one tile."""
    if not sub_pixels:
        return 0.0
    contents = np.indices((noise.values,) * sub_pixels).reshape(sub_pixels, -1).T
    return float(entr(np.exp(_log_probability(contents, noise))).sum())


def _log_probability(tiles: NDArray, noise: SymmetricNoise) -> NDArray[np.float64]:
    """log p of the sub-pixels of a tile, (..., m): the mean over its level of what they show given that level."""
    shown = log_nats(noise.matrix())[:, tiles].sum(-1)
    return np.asarray(logsumexp(shown, axis=0) - math.log(noise.values))
