"""An autoregressive network with fixed weights, which gives structured images with exact log-probabilities."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.discretized_logistic import entropy_nats, probabilities, sample
from ib_analysis.datasets.half_label import CLASS_NAMES, half_label, half_shares
from ib_analysis.datasets.image_law import ImageLaw, label_facts, log_nats, rows_of_label_in_first_row
from ib_analysis.datasets.raster_markov import in_raster

NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1))
"""Offsets (down, right) of the visible pixels; earlier channels of the same pixel are also visible."""
_ABOVE, _LEFT = 1, 3  # of NEIGHBOURS
HIDDEN = 16
CONTRAST_GAIN = 12.0
MEANS = 1025  # grid of means, so that every conditional is a row of one table
SPREADS = (0.5, 1.0, 2.0)  # scales of the conditionals, in units of `scale`
ENTROPY_SUB_PIXELS = 2**20  # sub-pixels over which the entropy is averaged
_BLOCK_SUB_PIXELS = 2**18
_ENTROPY = 5  # random stream of the images of this average


class _Conditional(NamedTuple):
    """Indices of the table row from which each sub-pixel is drawn; arrays of equal shape."""

    spread: NDArray[np.int64]
    mean: NDArray[np.int64]


@dataclass(frozen=True)
class Teacher(ImageLaw):
    """x_i ~ DL(m(x_<i), s(x_<i)) in raster order, channels within pixels; a one-hidden-layer network gives m and s.

    The input z of the network is four neighbours and the earlier channels of the pixel, scaled to [-1, 1]:
    v = tanh(W z + b) - tanh(b), m = A z + w v on a grid of 1025 means, s one of half, once and twice `scale`. W, b
    and w are given by a formula of `weights`; A weighs the left and the upper neighbour and the previous channel.
    Outside the image z is 0, so the first sub-pixel is DL((levels - 1) / 2, scale) and both labels are equally likely.

    log p(x) is exact for each image. By the chain rule H(x) is the mean of sum_i H(x_i | x_<i), taken over about a
    million drawn sub-pixels; `standard_errors` are those of this mean. Each H(x_i | x_<i) is the exact entropy of a row
    of the table, so the mean varies far less than that of -log p(x).

    Attributes:
        size: height and width in pixels.
        levels: number of levels.
        channels: 1 for grey, 3 for RGB.
        scale: scale of the discretized logistic, in levels.
        weights: number of the network; each number gives another teacher.
    """

    size: int
    levels: int
    channels: int
    scale: float
    weights: int = 0
    class_names = CLASS_NAMES

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.size, self.size

    @property
    def _features(self) -> int:
        return len(NEIGHBOURS) * self.channels + self.channels - 1

    @cached_property
    def table(self) -> NDArray[np.float64]:
        """P(x_i = k) for each spread and mean, shape (spreads, means, levels)."""
        means = np.linspace(0, self.levels - 1, MEANS)
        return np.stack([probabilities(means, self.scale * spread, self.levels) for spread in SPREADS])

    @cached_property
    def _network(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """W (C, features, hidden), b (C, hidden), w (C, hidden, 2): the second output chooses the spread."""
        C, F = self.channels, self._features
        w = formula_weights(C * HIDDEN * (F + 3), self.weights)
        first, bias, last = np.split(w, [C * F * HIDDEN, C * (F + 1) * HIDDEN])
        W = first.reshape(C, F, HIDDEN)
        contrast = W - W.mean(
            1, keepdims=True
        )  # contrast only, since a response to brightness would saturate most images
        scaled = CONTRAST_GAIN / np.sqrt(F) * contrast
        return scaled, bias.reshape(C, HIDDEN), last.reshape(C, HIDDEN, 2) / np.sqrt(HIDDEN)

    @cached_property
    def _followed(self) -> NDArray[np.float64]:
        """A (C, features), the linear part of the mean."""
        A = np.zeros((self.channels, self._features))
        for channel in range(self.channels):
            before = 0.3 if channel else 0.0
            A[channel, _LEFT * self.channels + channel] = 0.45 - before / 2
            A[channel, _ABOVE * self.channels + channel] = 0.35 - before / 2
            if channel:
                A[channel, len(NEIGHBOURS) * self.channels + channel - 1] = before
        return A

    def _conditional(self, z: NDArray[np.float64], channel: int) -> _Conditional:
        """The law of a sub-pixel given z, (n, features)."""
        W, b, w = (weights[channel] for weights in self._network)
        output = (np.tanh(z @ W + b) - np.tanh(b)) @ w
        mean = np.clip(z @ self._followed[channel] + 0.3 * output[:, 0], -1, 1)
        spread = 1 + (output[:, 1] > 0.3).astype(np.int64) - (output[:, 1] < -0.3)
        return _Conditional(spread, np.rint((mean + 1) / 2 * (MEANS - 1)).astype(np.int64))

    def _scaled(self, x: NDArray) -> NDArray[np.float64]:
        """Levels scaled to [-1, 1]."""
        return x * (2 / (self.levels - 1)) - 1.0

    def _seen(self, z: NDArray[np.float64], row: slice, column: slice, channel: int) -> NDArray[np.float64]:
        """The inputs of the sub-pixels of a channel, from z (n, 1 + H, 1 + W + 1, C) with a zero margin."""
        C = self.channels
        seen = [z[:, _moved(row, 1 + down), _moved(column, 1 + right)] for down, right in NEIGHBOURS]
        own = np.zeros((*seen[0].shape[:3], C - 1))
        own[..., :channel] = z[:, _moved(row, 1), _moved(column, 1), :channel]
        return np.concatenate([*seen, own], axis=-1).reshape(-1, self._features)

    def _empty(self, n: int) -> NDArray[np.float64]:
        return np.zeros((n, 1 + self.size, 2 + self.size, self.channels))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draws all images at once, one sub-pixel after another."""
        images, z = np.empty((n, *self.shape), np.uint8), self._empty(n)
        for row, column, channel in np.ndindex(self.size, self.size, self.channels):
            seen = self._seen(z, slice(row, row + 1), slice(column, column + 1), channel)
            spread, mean = self._conditional(seen, channel)
            level = mean * ((self.levels - 1) / (MEANS - 1))
            x = sample(level, self.scale * np.take(SPREADS, spread), self.levels, rng)
            images[:, channel, row, column] = x
            z[:, 1 + row, 1 + column, channel] = self._scaled(x)
        return images

    def _conditionals(self, images: NDArray[np.uint8]) -> _Conditional:
        """The law of every sub-pixel given the earlier ones, (n, H W C) in raster order."""
        z, everywhere = self._empty(len(images)), slice(0, self.size)
        z[:, 1:, 1:-1] = self._scaled(images.transpose(0, 2, 3, 1))
        found = [
            self._conditional(self._seen(z, everywhere, everywhere, channel), channel)
            for channel in range(self.channels)
        ]
        shape = len(images), self.dimensions
        return _Conditional(*(np.stack(parts, axis=-1).reshape(shape) for parts in zip(*found)))

    def _blocks(self, images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        length = max(1, _BLOCK_SUB_PIXELS // self.dimensions)
        for start in range(0, len(images), length):
            yield images[start : start + length]

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Whether the first sub-pixel is in the upper half of the levels."""
        return half_label(images, self.levels)

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """sum_i log P(x_i | x_<i)."""
        log_table = log_nats(self.table)
        found = [
            log_table[*self._conditionals(block), in_raster(block)].sum(1) for block in self._blocks(images)
        ]
        return np.concatenate([np.empty(0), *found])

    @cached_property
    def _rows_nats(self) -> NDArray[np.float64]:
        """The sum of H(x_i | x_<i) over the top t rows of drawn images, shape (images, size)."""
        entropy = entropy_nats(self.table)
        n = max(64, ENTROPY_SUB_PIXELS // self.dimensions)
        drawn = self.draw(n, np.random.default_rng([self.weights, _ENTROPY]))
        found = [entropy[self._conditionals(block)] for block in self._blocks(drawn)]
        return np.concatenate(found).reshape(n, self.size, -1).sum(2).cumsum(1)

    def known(self, label_noise: float) -> dict[str, float]:
        """Entropies of images as means over drawn images; quantities of the label exactly."""
        means = self._rows_nats.mean(0)
        label = label_facts(half_shares(self._first), label_noise)
        known = {"H(x)": float(means[-1])} | label
        known |= {f"I(x;rows{t})": float(nats) for t, nats in enumerate(means, start=1)}
        return known | rows_of_label_in_first_row(self.size, label)

    @property
    def _first(self) -> NDArray[np.float64]:
        """The law of the first sub-pixel, which has no inputs."""
        spread, mean = self._conditional(np.zeros((1, self._features)), 0)
        return self.table[spread[0], mean[0]]

    def standard_errors(self) -> dict[str, float]:
        """Standard errors of H(x) and I(x;rows<t>), in nats."""
        stderr = self._rows_nats.std(0, ddof=1) / np.sqrt(len(self._rows_nats))
        rows = {f"I(x;rows{t})": float(nats) for t, nats in enumerate(stderr, start=1)}
        return {"H(x)": float(stderr[-1])} | rows


def formula_weights(count: int, number: int) -> NDArray[np.float64]:
    """sqrt(2) cos(2 pi u_k), mean 0 and variance 1; u_k = frac(g k (k + 1 + 2 number)), g the golden ratio.

    A formula, unlike a random generator, does not change with the release of a library.

    >>> formula_weights(3, 0).round(4).tolist()
    [0.1236, -0.3671, -1.2236]
    """
    k = np.arange(1, count + 1)
    golden = (1 + np.sqrt(5)) / 2
    return np.sqrt(2) * np.cos(2 * np.pi * np.modf(golden * (k * (k + 1 + 2 * number)))[0])


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
