"""The top rows of the image, and nothing of the others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel, scaled
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class KeptRows(Channel):
    """h shows the top t rows: I(x; h) = H(those rows).

    The other rows are 0, and a last channel is 1 where a row was kept: each pixel stays at its place.

    Attributes:
        rows: t.

    >>> from ib_analysis.datasets.raster_markov import RasterMarkov
    >>> from ib_analysis.units import bits
    >>> round(bits(KeptRows(2).information(RasterMarkov(8, 256, 0.9, 5.0)).nats), 2)
    84.55
    """

    rows: int

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, C + 1, H, W)."""
        self._check(law)
        kept = np.arange(images.shape[2])[:, np.newaxis] < self.rows
        shown = np.ones((len(images), 1, *images.shape[2:]), np.float32)
        return np.concatenate([scaled(images, law.levels), shown], axis=1) * kept.astype(np.float32)

    def information(self, law: ImageLaw) -> KnownNats:
        """H of the top t rows."""
        self._check(law)
        return law.nats(f"I(x;rows{self.rows})")

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(y; top t rows)."""
        self._check(law)
        return law.nats(f"I(y;rows{self.rows})", label_noise)

    def _check(self, law: ImageLaw) -> None:
        if not 1 <= self.rows <= law.shape[1]:
            raise UserError(f"rows: {self.rows} of images of {law.shape[1]} rows; keep from 1 to all of them")
