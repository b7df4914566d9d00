"""A channel that keeps sub-pixels chosen at random, in a random order and without their places."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel, scale_levels
from ib_analysis.datasets.discretized_logistic import entropy_nats
from ib_analysis.datasets.image_law import ImageLaw, KnownNats, SymmetricNoise, mutual_information_nats
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.raster_markov import RasterMarkov, in_raster
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class PermutedPixels(Channel):
    """h is a vector of m sub-pixels, chosen and ordered once by `seed`.

    On independent pixels I(x; h) is the sum of their entropies. On a raster Markov field, with the gaps g_i between
    neighbours in raster order, I(x; h) = h_1 + sum_i H(x_{1 + g_i} | x_1).

    Attributes:
        count: m.
        seed: seed of the choice and the order.
    """

    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UserError(f"count: {self.count}; give the number of sub-pixels to keep, 1 or more")

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, m)."""
        return scale_levels(in_raster(images)[:, self._kept(law)], law.levels)

    def _kept(self, law: ImageLaw) -> NDArray[np.int64]:
        """Places of the kept sub-pixels in raster order, as h orders them, (m,)."""
        if self.count > law.dimensions:
            raise UserError(
                f"count: {self.count}; the images have {law.dimensions} sub-pixels, so keep no more"
            )
        return np.random.default_rng(self.seed).permutation(law.dimensions)[: self.count]

    def information(self, law: ImageLaw) -> KnownNats:
        """Entropy of the kept sub-pixels."""
        kept = np.sort(self._kept(law))
        if isinstance(law, RasterMarkov):
            steps = sum(law.distant_rate_nats(int(gap)) for gap in np.diff(kept))
            return KnownNats(law.marginal_nats + steps)
        if isinstance(law, IndependentPixels):
            return KnownNats(float(entropy_nats(law.pixel)[kept % len(law.pixel)].sum()))
        return self.refuse(law, "raster Markov fields and independent pixels")

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """What the first kept sub-pixel says of the label; the later ones add nothing to it."""
        first = int(self._kept(law).min())
        if isinstance(law, RasterMarkov):
            start = np.diag(law.stationary) @ np.linalg.matrix_power(law.transition, first)
        elif isinstance(law, IndependentPixels):
            start = np.diag(law.pixel[0]) if first == 0 else np.outer(law.pixel[0], law.pixel[0])
        else:
            self.refuse(law, "raster Markov fields and independent pixels")
        upper = 2 * np.arange(law.levels) >= law.levels
        joint = np.stack([start[~upper].sum(0), start[upper].sum(0)])
        return KnownNats(mutual_information_nats(SymmetricNoise(label_noise, 2).matrix().T @ joint))
