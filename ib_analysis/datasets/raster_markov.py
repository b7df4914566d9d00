"""A first-order Markov field in raster order, grey or RGB."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.discretized_logistic import entropy_nats, probabilities, sample
from ib_analysis.datasets.half_label import CLASS_NAMES, half_label, half_shares
from ib_analysis.datasets.image_law import ImageLaw, label_facts, log_nats, rows_of_label_in_first_row
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class RasterMarkov(ImageLaw):
    """x_1 ~ pi, x_i ~ DL(mu + a (x_{i-1} - mu), s), mu = (levels - 1) / 2, sub-pixels in raster order.

    In RGB the chain visits red, green and blue of a pixel before the next pixel. pi is the stationary distribution of
    the chain of `levels` states, so it is the marginal of every sub-pixel. With D sub-pixels,
    H(x) = h_1 + (D - 1) h_r, where h_1 = H(pi) and h_r = sum_j pi_j H(x_i | x_{i-1} = j).
    a = 0 gives independent discretized logistic pixels. The label is y = [2 x_1 >= levels].

    Attributes:
        size: height and width in pixels.
        levels: number of levels.
        correlation: a.
        scale: s, in levels.
        channels: 1 for grey, 3 for RGB.
    """

    size: int
    levels: int
    correlation: float
    scale: float
    channels: int = 1
    class_names = CLASS_NAMES

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.size, self.size

    @property
    def _centre(self) -> float:
        return (self.levels - 1) / 2

    def _means(self, previous: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(self._centre + self.correlation * (previous - self._centre), np.float64)

    @cached_property
    def transition(self) -> NDArray[np.float64]:
        """P(x_i = k | x_{i-1} = j), shape (levels, levels), with j along rows."""
        return probabilities(self._means(np.arange(self.levels)), self.scale, self.levels)

    @cached_property
    def stationary(self) -> NDArray[np.float64]:
        """pi = pi P, shape (levels,).

        Raises:
            UserError: the scale is so small that the chain is reducible.
        """
        try:
            return stationary_law(self.transition)
        except ZeroDivisionError as error:
            raise UserError(
                f"scale: {self.scale:g} levels are too few for the Markov field to change its level; increase it"
            ) from error

    @property
    def marginal_nats(self) -> float:
        """h_1, the entropy of one sub-pixel."""
        return float(entropy_nats(self.stationary))

    @property
    def rate_nats(self) -> float:
        """h_r, the entropy of a sub-pixel given the previous one."""
        return self.distant_rate_nats(1)

    def distant_rate_nats(self, steps: int) -> float:
        """H(x_{i+steps} | x_i), from the power of the transition matrix."""
        return float(self.stationary @ entropy_nats(np.linalg.matrix_power(self.transition, steps)))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draws all images at once, one sub-pixel after another."""
        x = np.empty((n, self.dimensions), np.uint8)
        last = self.levels - 1
        pixel = np.searchsorted(np.cumsum(self.stationary), rng.random(n), side="right").clip(0, last)
        x[:, 0] = pixel
        for i in range(1, self.dimensions):
            pixel = sample(self._means(pixel), self.scale, self.levels, rng)
            x[:, i] = pixel
        return from_raster(x, self.shape)

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Whether the first sub-pixel is in the upper half of the levels."""
        return half_label(images, self.levels)

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """log pi(x_1) + sum_i log P(x_i | x_{i-1})."""
        x = in_raster(images)
        first, steps = log_nats(self.stationary), log_nats(self.transition)
        return first[x[:, 0]] + steps[x[:, :-1], x[:, 1:]].sum(-1)

    def known(self, label_noise: float) -> dict[str, float]:
        """The top t rows are the first t size C sub-pixels: I(x;rows<t>) = h_1 + (t size C - 1) h_r."""
        h1, hr = self.marginal_nats, self.rate_nats
        label = label_facts(half_shares(self.stationary), label_noise)
        known = {"H(x)": h1 + (self.dimensions - 1) * hr} | label
        width = self.channels * self.size
        known |= {f"I(x;rows{t})": h1 + (t * width - 1) * hr for t in range(1, self.size + 1)}
        return known | rows_of_label_in_first_row(self.size, label)


def in_raster(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reorders images (n, C, H, W) to (n, H W C): pixels in raster order, the channels of a pixel together.

    >>> in_raster(np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)).tolist()
    [[0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]]
    """
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).reshape(len(images), -1)


def from_raster(x: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The inverse of `in_raster`.

    >>> images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    >>> bool((from_raster(in_raster(images), (3, 2, 2)) == images).all())
    True
    """
    channels, height, width = shape
    return np.ascontiguousarray(x.reshape(-1, height, width, channels).transpose(0, 3, 1, 2))


def stationary_law(transition: NDArray[np.float64]) -> NDArray[np.float64]:
    """The solution of pi = pi P by the algorithm of Grassmann, Taksar and Heyman (1985).

    The algorithm has no subtractions, so rare transitions keep their precision. States are eliminated from the ends
    towards the middle, where a chain of levels has most of its probability.

    Raises:
        ZeroDivisionError: a state has no transition towards the middle.

    >>> stationary_law(np.array([[0.9, 0.1], [0.3, 0.7]])).round(12).tolist()
    [0.75, 0.25]
    """
    n = len(transition)
    order = np.argsort(np.abs(np.arange(n) - (n - 1) / 2), kind="stable")
    P = transition[np.ix_(order, order)].copy()
    for k in range(n - 1, 0, -1):
        leaving = P[k, :k].sum()
        if leaving == 0:
            raise ZeroDivisionError("the chain is reducible")
        P[:k, k] /= leaving
        P[:k, :k] += np.outer(P[:k, k], P[k, :k])
    pi = np.ones(n)
    for k in range(1, n):
        pi[k] = pi[:k] @ P[:k, k]
    law = np.empty(n)
    law[order] = pi / pi.sum()
    return law
