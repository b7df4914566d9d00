"""The interface of every channel: it draws features h of images and knows their information."""

from abc import ABC, abstractmethod
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.errors import UserError


class Channel(ABC):
    """A possibly random map from images to features h; pixels are scaled to [-1, 1] in h."""

    @abstractmethod
    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draws h of images (n, C, H, W) of the law: shape (n, features) or (n, channels, H, W).

        Raises:
            UserError: the channel does not fit the law.
        """

    @abstractmethod
    def information(self, law: ImageLaw) -> KnownNats:
        """I(x; h), in nats.

        Raises:
            UserError: the information is not known for this law.
        """

    @abstractmethod
    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(y; h) of the label with label noise, in nats.

        Raises:
            UserError: the information is not known for this law.
        """

    def refuse(self, law: ImageLaw, known_for: str) -> NoReturn:
        """Raises the error for a law under which the information is not known.

        Raises:
            UserError: always.
        """
        raise UserError(
            f"{type(self).__name__} of {type(law).__name__}: the information is only known for {known_for}; "
            "choose another source or another channel"
        )

    def independent(self, law: ImageLaw) -> IndependentPixels:
        """The law, if its sub-pixels are independent.

        Raises:
            UserError: the sub-pixels are not independent.
        """
        return law if isinstance(law, IndependentPixels) else self.refuse(law, "independent pixels")


def check_probability(probability: float) -> None:
    """Checks that a number is a probability.

    Raises:
        UserError: it lies outside [0, 1].
    """
    if not 0 <= probability <= 1:
        raise UserError(f"probability: {probability:g}; give a number from 0 to 1")


def scale_levels(images: NDArray, levels: int) -> NDArray[np.float32]:
    """Levels 0..levels-1 scaled to [-1, 1].

    >>> scale_levels(np.array([0, 1, 2]), 3).tolist()
    [-1.0, 0.0, 1.0]
    """
    return (images * (2 / (levels - 1)) - 1).astype(np.float32)
