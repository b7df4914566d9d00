"""A memoryless channel; on independent sub-pixels the information is a sum over sub-pixels."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel
from ib_analysis.datasets.image_law import ImageLaw, KnownNats, SymmetricNoise


class PixelChannel(Channel):
    """h_i depends only on sub-pixel x_i: I(x; h) = sum I(x_i; h_i) where the sub-pixels are independent.

    The label is a function of the first sub-pixel, so I(y; h) = I(y; h_1).
    """

    @abstractmethod
    def sub_pixel_nats(self, prior: NDArray[np.float64], origin: NDArray[np.float64]) -> float:
        """I(a; h_i), in nats, for the Markov chain a -> level -> h_i.

        Args:
            prior: P(a), shape (A,).
            origin: P(level | a), shape (A, levels).
        """

    def information(self, law: ImageLaw) -> KnownNats:
        """The sum over the sub-pixels of I(a; h_i) with a the level itself."""
        pixel = self.independent(law).pixel
        itself = np.eye(law.levels)
        return KnownNats(law.shape[1] * law.shape[2] * sum(self.sub_pixel_nats(p, itself) for p in pixel))

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(a; h_1) of the first sub-pixel, with a the label."""
        first = self.independent(law).pixel[0]
        upper = 2 * np.arange(law.levels) >= law.levels
        joint = SymmetricNoise(label_noise, 2).matrix().T @ np.stack([~upper * first, upper * first])
        prior = joint.sum(1)
        return KnownNats(self.sub_pixel_nats(prior, joint / np.where(prior > 0, prior, 1.0)[:, np.newaxis]))
