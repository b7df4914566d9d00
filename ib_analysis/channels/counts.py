"""The number of bright sub-pixels in bands of rows, or its remainder: two make it a parity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr
from scipy.stats import binom

from ib_analysis.channels.channel import Channel, scale_levels
from ib_analysis.datasets.half_label import half_shares
from ib_analysis.datasets.image_law import ImageLaw, KnownNats, SymmetricNoise, mutual_information_nats
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class Counts(Channel):
    """h counts the sub-pixels in the upper half of the levels in each of B bands of rows, all channels together.

    On independent pixels a count is a sum of binomials, one a channel: I(x; h) = B H(count). The label is whether the
    first sub-pixel counts.

    Attributes:
        bands: B, which divides the number of rows.
        modulus: None, or m >= 2: h is the remainder of each count by m.

    >>> from ib_analysis.units import bits
    >>> round(bits(Counts(4, modulus=2).information(IndependentPixels.uniform(8, 2, 1)).nats), 6)
    4.0
    """

    bands: int
    modulus: int | None = None

    def __post_init__(self) -> None:
        if self.bands < 1 or (self.modulus is not None and self.modulus < 2):
            raise UserError(
                f"bands: {self.bands}, modulus: {self.modulus}; give 1 band or more, and a modulus of 2 or more or none"
            )

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, bands)."""
        of_band = self._sub_pixels(law)
        bright = 2 * images.astype(np.int64) >= law.levels
        counts = bright.reshape(len(images), law.shape[0], self.bands, -1).sum((1, 3))
        return scale_levels(self._remainder(counts), self.modulus or of_band * law.shape[0] + 1)

    def _remainder(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        return counts if self.modulus is None else counts % self.modulus

    def _sub_pixels(self, law: ImageLaw) -> int:
        """Number of sub-pixels of one channel in a band."""
        _, height, width = law.shape
        if height % self.bands:
            raise UserError(
                f"bands: {self.bands}; the images have {height} rows, so give a divisor of {height}"
            )
        return height // self.bands * width

    def _law_of_count(self, law: IndependentPixels, first: int) -> NDArray[np.float64]:
        """P(h) of a band, whose first sub-pixel is left out of the draw: `first` is 0 or 1, or -1 where it is drawn."""
        n, count = self._sub_pixels(law), np.ones(1)
        for channel, pixel in enumerate(law.pixel):
            drawn = n - (first >= 0 and channel == 0)
            count = np.convolve(count, binom.pmf(np.arange(drawn + 1), drawn, half_shares(pixel)[1]))
        values = self._remainder(np.arange(len(count)) + max(first, 0))
        return np.bincount(values, count, self.modulus or n * len(law.pixel) + 1).astype(np.float64)

    def information(self, law: ImageLaw) -> KnownNats:
        """The entropy of the counts."""
        of_band = entr(self._law_of_count(self.independent(law), -1)).sum()
        return KnownNats(self.bands * float(of_band))

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """What the count of the first band says of its first sub-pixel."""
        pixels = self.independent(law)
        given = np.stack([self._law_of_count(pixels, first) for first in (0, 1)])
        joint = half_shares(pixels.pixel[0])[:, np.newaxis] * given
        return KnownNats(mutual_information_nats(SymmetricNoise(label_noise, 2).matrix().T @ joint))
