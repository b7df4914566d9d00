"""The identity channel, h = x."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel, scale_levels
from ib_analysis.datasets.image_law import ImageLaw, KnownNats


@dataclass(frozen=True)
class Identity(Channel):
    """h is the image: I(x; h) = H(x)."""

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, C, H, W)."""
        return scale_levels(images, law.levels)

    def information(self, law: ImageLaw) -> KnownNats:
        """H(x)."""
        return law.nats("H(x)")

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(y; x)."""
        return law.nats("I(y;x)", label_noise)
