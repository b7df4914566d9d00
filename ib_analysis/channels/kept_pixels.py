"""A channel that keeps every k-th sub-pixel in raster order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel, scale_levels
from ib_analysis.datasets.discretized_logistic import entropy_nats
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.raster_markov import RasterMarkov, from_raster, in_raster
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class KeptPixels(Channel):
    """h keeps the m sub-pixels 1, 1 + k, 1 + 2k ... in raster order.

    On a raster Markov field they form a Markov chain with the k-th power of the transition matrix:
    I(x; h) = h_1 + (m - 1) H(x_{1+k} | x_1). On independent pixels I(x; h) is the sum of their entropies.
    Other sub-pixels are 0; an equal number of further channels is 1 where a sub-pixel is kept.

    Attributes:
        stride: k.
    """

    stride: int

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise UserError(
                f"stride: {self.stride}; give 1 to keep every sub-pixel, or a larger number to keep fewer"
            )

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, 2C, H, W)."""
        kept = np.broadcast_to(self._kept(law), images.shape).astype(np.float32)
        return np.concatenate([scale_levels(images, law.levels) * kept, kept], axis=1)

    def _kept(self, law: ImageLaw) -> NDArray[np.uint8]:
        """1 where a sub-pixel is kept, (1, C, H, W)."""
        return from_raster((np.arange(law.dimensions) % self.stride == 0).astype(np.uint8), law.shape)

    def information(self, law: ImageLaw) -> KnownNats:
        """Entropy of the kept sub-pixels."""
        kept = self._kept(law)
        if isinstance(law, RasterMarkov):
            between = law.distant_rate_nats(self.stride)
            return KnownNats(law.marginal_nats + (int(in_raster(kept).sum()) - 1) * between)
        if isinstance(law, IndependentPixels):
            return KnownNats(float(kept.sum((0, 2, 3)) @ entropy_nats(law.pixel)))
        return self.refuse(law, "raster Markov fields and independent pixels")

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(y; x), since the label is a function of the first sub-pixel, which is kept."""
        if not isinstance(law, RasterMarkov | IndependentPixels):
            self.refuse(law, "raster Markov fields and independent pixels")
        return law.nats("I(y;x)", label_noise)
