"""Curves whose information is known: images of an exact law, and what exact decoders would say of each of them.

No network is trained: h is a number of rows of the image, and -log q comes from the law itself. An image costs a
microsecond, and thousands of whole measurements can be repeated: what `coverage` needs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ib_analysis.datasets.image_law import FiniteLaw, flip_probability
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.information.measurement.cross_entropy import information
from ib_analysis.information.measurement.estimate import Estimate
from ib_analysis.information.measurement.label_information import label_information, label_nats
from ib_analysis.information.measurement.quantity import Quantity

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """K points of known information, measured on the same images.

    Attributes:
        name: for tables.
        quantity: I(x;h) or I(y;h).
        truth_nats: what the mean estimate tends to, shape (points,).
        sample: (n, rng) -> (-log q(x_i), or the labels y_i where the quantity is theirs, shape (n,);
            -log q_k(. | h_i) of each point, shape (points, n)).
    """

    name: str
    quantity: Quantity
    truth_nats: Values
    sample: Callable[[int, np.random.Generator], tuple[NDArray[np.generic], Values]]

    def at(self, points: Sequence[int]) -> "Curve":
        """Some of the points, in another order if wanted."""

        def sample(n: int, rng: np.random.Generator) -> tuple[NDArray[np.generic], Values]:
            given, conditional = self.sample(n, rng)
            return given, conditional[list(points)]

        return replace(self, truth_nats=self.truth_nats[list(points)], sample=sample)

    def marginal_nats(self, given: ArrayLike) -> Values:
        """What the conditional nats are subtracted from."""
        return (
            label_nats(given)
            if self.quantity is Quantity.LABEL_INFORMATION
            else np.asarray(given, np.float64)
        )

    def estimate(self, given: ArrayLike, conditional: ArrayLike) -> Estimate:
        """The information at one point, as the laboratory estimates it."""
        if self.quantity is Quantity.LABEL_INFORMATION:
            return label_information(given, conditional)
        return information(given, conditional)


def raster_top_rows(
    name: str,
    law: RasterMarkov,
    *,
    marginal: RasterMarkov | None = None,
    conditional: RasterMarkov | None = None,
) -> Curve:
    """h = the top 1, ..., S rows of a grey raster Markov field of D = S^2 pixels.

    -log q(x) is that of the law `marginal`, and -log q(x | top t rows) = -sum over pixels i >= t S of
    log q(x_i | x_{i-1}) that of the law `conditional`; by default both are the true law. Others are decoders that
    fitted badly, in a way that is known: with pi, P of the images and pi', P' of a decoder

        CE(x) = -sum_j pi_j log pi'_j - (D - 1) sum_jk pi_j P_jk log P'_jk,

    and CE(x | top t rows) is D - t S of the second terms. The truth is the difference of the two.
    """
    marginal, conditional = marginal or law, conditional or law
    size, pixels = law.size, law.size**2
    hidden = [pixels - t * size for t in range(1, size + 1)]
    first, step = _cross_entropies(law, marginal)
    steps = np.log(conditional.transition)

    def sample(n: int, rng: np.random.Generator) -> tuple[Values, Values]:
        images = law.draw(n, rng)
        x = images.reshape(n, pixels)
        nats = -steps[x[:, :-1], x[:, 1:]]
        rest = [nats[:, pixels - 1 - count :].sum(axis=1) for count in hidden]
        return -marginal.log_probability(images), np.stack(rest)

    truth = first + (pixels - 1) * step - np.array(hidden) * _cross_entropies(law, conditional)[1]
    return Curve(name, Quantity.IMAGE_INFORMATION, truth, sample)


def raster_single_rows(name: str, law: RasterMarkov) -> Curve:
    """h = the first, ..., the last row of a grey raster Markov field, each alone: a flat curve.

    The chain is stationary, so that every row has the law of the first and I(x; row) = H(row 1) for all, while
    the nats of two rows are different functions of the image: the null hypothesis of the two stages.
    """
    size = law.size
    first, steps = np.log(law.stationary), np.log(law.transition)

    def sample(n: int, rng: np.random.Generator) -> tuple[Values, Values]:
        images = law.draw(n, rng)
        x = images[:, 0]
        marginal = -law.log_probability(images)
        rows = first[x[:, :, 0]] + steps[x[:, :, :-1], x[:, :, 1:]].sum(axis=2)
        return marginal, marginal + rows.T  # -log p(x | row) = -log p(x) + log p(row)

    truth = np.full(size, law.known(0.0)["I(x;rows1)"])
    return Curve(name, Quantity.IMAGE_INFORMATION, truth, sample)


def raster_label(name: str, law: RasterMarkov, label_noise: float) -> Curve:
    """h = the top row, which holds the first pixel and with it all that can be known of the noisy label."""

    def sample(n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Values]:
        flipped = rng.random(n) < label_noise
        labels = law.label(law.draw(n, rng)) ^ flipped
        return labels, -np.log(np.where(flipped, label_noise, 1 - label_noise))[np.newaxis]

    truth = np.array([law.known(label_noise)["I(y;rows1)"]])
    return Curve(name, Quantity.LABEL_INFORMATION, truth, sample)


def finite_top_rows(name: str, law: FiniteLaw) -> Curve:
    """h = the top 1, ..., S rows of a finite universe: -log q(x | rows) = log(members that show these rows)."""
    groups = _groups(law)
    nats = np.stack([np.log(np.bincount(group)[group]) for group in groups])

    def sample(n: int, rng: np.random.Generator) -> tuple[Values, Values]:
        return np.full(n, np.log(law.count)), nats[:, rng.integers(0, law.count, n)]

    return Curve(name, Quantity.IMAGE_INFORMATION, _known_rows(law, "x", 0.0), sample)


def finite_labels(name: str, law: FiniteLaw, label_noise: float) -> Curve:
    """h = the top 1, ..., S rows; y a binary label that is flipped with probability `label_noise`, not 0.

    q(y = 1 | rows) is the share of members that show these rows and have label 1, through the noise.
    """
    labels = law.label(law.render(np.arange(law.count)))
    shares = [np.bincount(group, labels)[group] / np.bincount(group)[group] for group in _groups(law)]
    ones = np.asarray(flip_probability(np.stack(shares), label_noise))

    def sample(n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Values]:
        chosen = rng.integers(0, law.count, n)
        y = labels[chosen] ^ (rng.random(n) < label_noise)
        q = np.where(y == 1, ones[:, chosen], 1 - ones[:, chosen])
        return y, -np.log(q)

    return Curve(name, Quantity.LABEL_INFORMATION, _known_rows(law, "y", label_noise), sample)


def _cross_entropies(law: RasterMarkov, decoder: RasterMarkov) -> tuple[float, float]:
    """-sum_j pi_j log pi'_j and -sum_jk pi_j P_jk log P'_jk."""
    first = -law.stationary @ np.log(decoder.stationary)
    step = -law.stationary @ (law.transition * np.log(decoder.transition)).sum(axis=1)
    return float(first), float(step)


def _groups(law: FiniteLaw) -> list[NDArray[np.int64]]:
    """For each number of rows, which members look alike: a number for each, shape (count,)."""
    images = law.render(np.arange(law.count))
    found = []
    for t in range(1, law.shape[1] + 1):
        top = images[:, :, :t].reshape(law.count, -1)
        found.append(np.unique(top, axis=0, return_inverse=True)[1].reshape(-1))
    return found


def _known_rows(law: FiniteLaw, letter: str, label_noise: float) -> Values:
    known = law.known(label_noise)
    return np.array([known[f"I({letter};rows{t})"] for t in range(1, law.shape[1] + 1)])
