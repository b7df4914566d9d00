"""A channel that keeps the top rows of the image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel, scale_levels
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class KeptRows(Channel):
    """h keeps the top t rows: I(x; h) is the entropy of these rows.

    Other rows are 0, and a last channel is 1 where a row is kept; each pixel stays at its position.

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
        return np.concatenate([scale_levels(images, law.levels), shown], axis=1) * kept.astype(np.float32)

    def information(self, law: ImageLaw) -> KnownNats:
        """Entropy of the top t rows."""
        self._check(law)
        return law.nats(f"I(x;rows{self.rows})")

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(y; top t rows)."""
        self._check(law)
        return law.nats(f"I(y;rows{self.rows})", label_noise)

    def _check(self, law: ImageLaw) -> None:
        if not 1 <= self.rows <= law.shape[1]:
            raise UserError(
                f"rows: {self.rows}; the images have {law.shape[1]} rows, so keep 1 to {law.shape[1]} of them"
            )
