"""The interface of an exactly known distribution over images, and functions shared by all of them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from ib_analysis.errors import UserError


class KnownNats(NamedTuple):
    """A quantity in nats; the standard error of an exact quantity is 0."""

    nats: float
    stderr: float = 0.0


class ImageLaw(ABC):
    """p(x) of square images with an exact label y(x), to which label noise may be added.

    Attributes:
        class_names: names of the labels.
        levels: number of levels of a sub-pixel, values 0..levels-1.
    """

    class_names: tuple[str, ...]
    levels: int

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""

    @abstractmethod
    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draws independent images (n, C, H, W)."""

    @abstractmethod
    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The label of each image before label noise, shape (n,)."""

    @abstractmethod
    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """log p(x) of each image in nats, shape (n,)."""

    @abstractmethod
    def known(self, label_noise: float) -> dict[str, float]:
        """H(x), H(y), I(y;x), and I(x;rows<t>) and I(y;rows<t>) of the top t rows, t = 1..size, in nats."""

    def standard_errors(self) -> dict[str, float]:
        """Standard errors, in nats, of the entries of `known` that are means over drawn images."""
        return {}

    def nats(self, name: str, label_noise: float = 0.0) -> KnownNats:
        """One entry of `known` with its standard error.

        Raises:
            UserError: `known` has no such entry.
        """
        known = self.known(label_noise)
        if name not in known:
            raise UserError(f"{name}: not known for {type(self).__name__}; choose from {', '.join(known)}")
        return KnownNats(known[name], self.standard_errors().get(name, 0.0))

    @property
    def dimensions(self) -> int:
        """Number of sub-pixels of one image."""
        return math.prod(self.shape)


class FiniteLaw(ImageLaw):
    """The uniform distribution over a finite universe of distinct images: H(x) = log count."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of images in the universe."""

    @abstractmethod
    def render(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images with the given numbers, 0..count-1, shape (n, C, H, W)."""

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draws independent uniform members of the universe."""
        return self.render(rng.integers(0, self.count, n))


class SymmetricNoise(NamedTuple):
    """The K-ary symmetric channel: with probability e a value becomes one of the K - 1 others, all equally likely.

    >>> SymmetricNoise(0.3, 4).matrix()[0].round(12).tolist()
    [0.7, 0.1, 0.1, 0.1]
    """

    probability: float
    values: int

    def matrix(self) -> NDArray[np.float64]:
        """P(j | i), shape (K, K), with i along rows."""
        matrix = np.full((self.values, self.values), self.probability / (self.values - 1))
        np.fill_diagonal(matrix, 1 - self.probability)
        return matrix

    def entropy_nats(self) -> float:
        """Entropy of the output given the input: H2(e) + e log(K - 1)."""
        return float(binary_entropy_nats(self.probability)) + self.probability * math.log(self.values - 1)

    def __call__(self, values: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Draws the output for input values 0..K-1, shape (n,)."""
        replaced = rng.random(len(values)) < self.probability
        shift = 1 if self.values == 2 else rng.integers(1, self.values, len(values))
        return np.where(replaced, (values + shift) % self.values, values)


def label_facts(class_shares: NDArray[np.float64], label_noise: float) -> dict[str, float]:
    """H(y) and I(y;x) of a label that x determines up to label noise, in nats.

    >>> label_facts(np.array([0.5, 0.5]), 0.5)["I(y;x)"]
    0.0
    """
    noise = SymmetricNoise(label_noise, len(class_shares))
    entropy = float(entr(class_shares @ noise.matrix()).sum())
    return {"H(y)": entropy, "I(y;x)": max(0.0, entropy - noise.entropy_nats())}


def rows_of_label_in_first_row(size: int, label: Mapping[str, float]) -> dict[str, float]:
    """I(y;rows<t>), t = 1..size, of a label that the first row determines: each equals I(y;x)."""
    return {f"I(y;rows{t})": label["I(y;x)"] for t in range(1, size + 1)}


def mutual_information_nats(joint: NDArray[np.float64]) -> float:
    """I(a; b) = sum p(a, b) log p(a, b) / (p(a) p(b)) of a table of probabilities (A, B), in nats.

    >>> round(float(mutual_information_nats(np.eye(2) / 2) / np.log(2)), 12)
    1.0
    """
    product = np.outer(joint.sum(1), joint.sum(0))
    common = joint > 0
    return float((joint[common] * np.log(joint[common] / product[common])).sum())


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


def log_nats(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """log p, -inf where p is 0."""
    with np.errstate(divide="ignore"):
        return np.log(p)
