"""The symmetric channel: each level is replaced by another one with a given probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import check_probability, scale_levels
from ib_analysis.channels.pixel_channel import PixelChannel
from ib_analysis.datasets.image_law import ImageLaw, SymmetricNoise, mutual_information_nats


@dataclass(frozen=True)
class Symmetric(PixelChannel):
    """With probability e a level becomes one of the q - 1 others, all equally likely.

    On uniform pixels I(x_i; h_i) = log q - H2(e) - e log(q - 1): for two levels, log 2 - H2(e).

    Attributes:
        probability: e.
    """

    probability: float

    def __post_init__(self) -> None:
        check_probability(self.probability)

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, C, H, W)."""
        noise = SymmetricNoise(self.probability, law.levels)
        noisy = noise(images.astype(np.int64).ravel(), rng)
        return scale_levels(noisy.reshape(images.shape), law.levels)

    def sub_pixel_nats(self, prior: NDArray[np.float64], origin: NDArray[np.float64]) -> float:
        """I(a; h_i) from the joint probabilities of a and the resulting level."""
        out = origin @ SymmetricNoise(self.probability, origin.shape[1]).matrix()
        return mutual_information_nats(prior[:, np.newaxis] * out)
