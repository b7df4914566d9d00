"""h of another image, which has no information about x for any channel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class Shuffled(Channel):
    """Rows of h are permuted by one random cycle, so that no image keeps its own: I(x; h) = I(y; h) = 0.

    Attributes:
        channel: the channel that gives h.
    """

    channel: Channel

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draws h in the shape of the other channel's h."""
        if len(images) < 2:
            raise UserError("Shuffled: h of another image needs at least two images; draw more")
        h = self.channel(law, images, rng)
        order = rng.permutation(len(images))
        shuffled = np.empty_like(h)
        shuffled[order] = h[np.roll(order, 1)]
        return shuffled

    def information(self, law: ImageLaw) -> KnownNats:
        """0."""
        return KnownNats(0.0)

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """0."""
        return KnownNats(0.0)
