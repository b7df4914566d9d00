"""A first-order Markov field in raster order, and independent pixels as its special case."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.discretized_logistic import entropy_nats, probabilities, sample
from ib_analysis.datasets.image_law import ImageLaw, binary_entropy_nats, flip_probability
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class RasterMarkov(ImageLaw):
    """x_1 ~ pi, x_i ~ DL(mu + a (x_{i-1} - mu), s), mu = (levels - 1) / 2, pixels in raster order.

    pi is the stationary law of the chain of `levels` states, so that every pixel has it. With D pixels,
    H(x) = h_1 + (D - 1) h_r, where h_1 = H(pi) and h_r = sum_j pi_j H(x_i | x_{i-1} = j).
    a = 0 gives independent discretized logistic pixels. The label is the half of the levels of x_1:
    y = [2 x_1 >= levels].

    Attributes:
        size: height and width in pixels.
        levels: number of levels.
        correlation: a.
        scale: s, in levels.
    """

    size: int
    levels: int
    correlation: float
    scale: float
    class_names: ClassVar[tuple[str, str]] = ("lower", "upper")

    @property
    def _centre(self) -> float:
        return (self.levels - 1) / 2

    def _means(self, previous: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(self._centre + self.correlation * (previous - self._centre), np.float64)

    @cached_property
    def transition(self) -> NDArray[np.float64]:
        """P(x_i = k | x_{i-1} = j), shape (levels, levels), rows j."""
        return probabilities(self._means(np.arange(self.levels)), self.scale, self.levels)

    @cached_property
    def stationary(self) -> NDArray[np.float64]:
        """pi = pi P, shape (levels,).

        Raises:
            UserError: the scale is so small that the chain never leaves some levels.
        """
        try:
            return stationary_law(self.transition)
        except ZeroDivisionError as error:
            raise UserError(
                f"scale: {self.scale:g} levels are too few for the Markov field to leave its level; raise it"
            ) from error

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Pixel after pixel, all images at once."""
        x = np.empty((n, self.size**2), np.uint8)
        pixel = np.searchsorted(np.cumsum(self.stationary), rng.random(n), side="right").clip(
            0, self.levels - 1
        )
        x[:, 0] = pixel
        for i in range(1, self.size**2):
            pixel = sample(self._means(pixel), self.scale, self.levels, rng)
            x[:, i] = pixel
        return x.reshape(n, 1, self.size, self.size)

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Whether the first pixel lies in the upper half of the levels."""
        return (2 * images[:, 0, 0, 0].astype(np.int64) >= self.levels).astype(np.int64)

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """log pi(x_1) + sum_i log P(x_i | x_{i-1})."""
        x = images.reshape(len(images), -1)
        with np.errstate(divide="ignore"):  # a level that underflows has log-probability -inf
            first, steps = np.log(self.stationary), np.log(self.transition)
        return first[x[:, 0]] + steps[x[:, :-1], x[:, 1:]].sum(-1)

    def known(self, label_noise: float) -> dict[str, float]:
        """The top t rows are the first t * size pixels: I(x;rows<t>) = h_1 + (t size - 1) h_r."""
        h1 = float(entropy_nats(self.stationary))
        hr = float(self.stationary @ entropy_nats(self.transition))
        upper = self.stationary[(self.levels + 1) // 2 :].sum()
        hy = float(binary_entropy_nats(flip_probability(upper, label_noise)))
        iy = hy - float(binary_entropy_nats(label_noise))
        known = {"H(x)": h1 + (self.size**2 - 1) * hr, "H(y)": hy, "I(y;x)": iy}
        rows = range(1, self.size + 1)
        known |= {f"I(x;rows{t})": h1 + (t * self.size - 1) * hr for t in rows}
        return known | {f"I(y;rows{t})": iy for t in rows}


def stationary_law(transition: NDArray[np.float64]) -> NDArray[np.float64]:
    """pi = pi P by Grassmann, Taksar and Heyman (1985).

    The algorithm never subtracts, so that rare moves keep their precision.
    States are eliminated from the ends towards the middle, where a chain of levels spends its time.

    Raises:
        ZeroDivisionError: a state is never left for those nearer to the middle.

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
