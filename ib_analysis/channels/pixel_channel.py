"""A memoryless channel on independent sub-pixels: their informations add up."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel
from ib_analysis.datasets.image_law import ImageLaw, KnownNats, SymmetricNoise


class PixelChannel(Channel):
    """h is made of each sub-pixel alone: I(x; h) = sum I(x_i; h_i) where the sub-pixels are independent.

    The label is one of the first sub-pixel, so that I(y; h) = I(y; h_1).
    """

    @abstractmethod
    def sub_pixel_nats(self, prior: NDArray[np.float64], origin: NDArray[np.float64]) -> float:
        """I(a; h_i), in nats, where a causes the level and the level causes h_i.

        Args:
            prior: P(a), shape (A,).
            origin: P(level | a), shape (A, levels).
        """

    def information(self, law: ImageLaw) -> KnownNats:
        """Sum over the sub-pixels; a is the level itself."""
        pixel = self.independent(law).pixel
        itself = np.eye(law.levels)
        return KnownNats(law.shape[1] * law.shape[2] * sum(self.sub_pixel_nats(p, itself) for p in pixel))

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """That of the first sub-pixel; a is the label."""
        first = self.independent(law).pixel[0]
        upper = 2 * np.arange(law.levels) >= law.levels
        joint = SymmetricNoise(label_noise, 2).matrix().T @ np.stack([~upper * first, upper * first])
        prior = joint.sum(1)
        return KnownNats(self.sub_pixel_nats(prior, joint / np.where(prior > 0, prior, 1.0)[:, np.newaxis]))
