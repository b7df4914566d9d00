"""A channel that keeps the high bits of every sub-pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import scale_levels
from ib_analysis.channels.pixel_channel import PixelChannel
from ib_analysis.datasets.image_law import ImageLaw, KnownNats, mutual_information_nats
from ib_analysis.datasets.low_bits import LowBits
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class Quantized(PixelChannel):
    """h = x div 2^b.

    On independent pixels I(x; h) = H(h) by summing probabilities. Where the b low bits are random, it is the entropy of
    the high bits.

    Attributes:
        dropped_bits: b.
    """

    dropped_bits: int

    def __post_init__(self) -> None:
        if not 0 <= self.dropped_bits <= 8:
            raise UserError(f"dropped_bits: {self.dropped_bits}; give a number from 0 to 8")

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, C, H, W)."""
        return scale_levels(self._cell(images), max(2, int(self._cell(np.array(law.levels - 1))) + 1))

    def _cell(self, levels: NDArray) -> NDArray:
        return levels // 2**self.dropped_bits

    def _high(self, law: ImageLaw) -> ImageLaw | None:
        """The law of the high bits, if exactly the random low bits are dropped."""
        return law.law if isinstance(law, LowBits) and law.bits == self.dropped_bits else None

    def sub_pixel_nats(self, prior: NDArray[np.float64], origin: NDArray[np.float64]) -> float:
        """I(a; h_i) from the joint probabilities of a and the quantized level."""
        cell = self._cell(np.arange(origin.shape[1]))
        out = origin @ (cell[:, np.newaxis] == np.arange(cell[-1] + 1))
        return mutual_information_nats(prior[:, np.newaxis] * out)

    def information(self, law: ImageLaw) -> KnownNats:
        """H(h)."""
        high = self._high(law)
        return super().information(law) if high is None else high.nats("H(x)")

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(y; h); random low bits are independent of the label."""
        high = self._high(law)
        return (
            super().label_information(law, label_noise) if high is None else high.nats("I(y;x)", label_noise)
        )
