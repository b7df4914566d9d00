"""Every k-th sub-pixel in raster order, and nothing of those between."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel, scaled
from ib_analysis.datasets.discretized_logistic import entropy_nats
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.raster_markov import RasterMarkov, from_raster, in_raster
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class KeptPixels(Channel):
    """h shows sub-pixels 1, 1 + k, 1 + 2k ... in raster order, m of them.

    On a raster Markov field they are a chain with the k-th power of the transition matrix:
    I(x; h) = h_1 + (m - 1) H(x_{1+k} | x_1). On independent pixels I(x; h) is the sum of their entropies.
    The others are 0, and as many channels again are 1 where a sub-pixel was kept.

    Attributes:
        stride: k.
    """

    stride: int

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise UserError(f"stride: {self.stride}; keep every sub-pixel with 1, or fewer with more")

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, 2C, H, W)."""
        kept = np.broadcast_to(self._kept(law), images.shape).astype(np.float32)
        return np.concatenate([scaled(images, law.levels) * kept, kept], axis=1)

    def _kept(self, law: ImageLaw) -> NDArray[np.uint8]:
        """1 where a sub-pixel is kept, (1, C, H, W)."""
        return from_raster((np.arange(law.dimensions) % self.stride == 0).astype(np.uint8), law.shape)

    def information(self, law: ImageLaw) -> KnownNats:
        """H of the sub-pixels that are kept."""
        kept = self._kept(law)
        if isinstance(law, RasterMarkov):
            between = law.distant_rate_nats(self.stride)
            return KnownNats(law.marginal_nats + (int(in_raster(kept).sum()) - 1) * between)
        if isinstance(law, IndependentPixels):
            return KnownNats(float(kept.sum((0, 2, 3)) @ entropy_nats(law.pixel)))
        return self.refuse(law, "raster Markov fields and independent pixels")

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """The label is one of the first sub-pixel, which is kept: I(y; x)."""
        if not isinstance(law, RasterMarkov | IndependentPixels):
            self.refuse(law, "raster Markov fields and independent pixels")
        return law.nats("I(y;x)", label_noise)
