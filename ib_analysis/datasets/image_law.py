"""The interface of a distribution over images that is known exactly."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr


class ImageLaw(ABC):
    """p(x) of grey square images and an exact binary label y(x), which noise may flip afterwards."""

    class_names: ClassVar[tuple[str, str]]

    @abstractmethod
    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Images (n, 1, size, size), independent and exactly distributed."""

    @abstractmethod
    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The label of each image before any noise, 0 or 1, shape (n,)."""

    @abstractmethod
    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """log p(x) of each image in nats, shape (n,)."""

    @abstractmethod
    def known(self, label_noise: float) -> dict[str, float]:
        """H(x), H(y), I(y;x), and I(x;rows<t>) and I(y;rows<t>) of the top t rows, t = 1..size, in nats."""


def flip_probability(p: float | NDArray[np.float64], noise: float) -> float | NDArray[np.float64]:
    """P(y = 1) after a binary symmetric channel: p (1 - noise) + (1 - p) noise.

    >>> flip_probability(1.0, 0.25)
    0.75
    """
    return p * (1 - noise) + (1 - p) * noise


def binary_entropy_nats(p: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """H2(p) = -p log p - (1 - p) log(1 - p), in nats.

    >>> bool(np.isclose(binary_entropy_nats(0.5), np.log(2)))
    True
    """
    return np.asarray(entr(p) + entr(1 - np.asarray(p)))
