"""The discretized logistic distribution on levels 0..levels-1; the end levels take the tails."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, expit


def probabilities(mean: ArrayLike, scale: float, levels: int) -> NDArray[np.float64]:
    """P(k) = F((k + 1/2 - mean) / scale) - F((k - 1/2 - mean) / scale), F the logistic function.

    F is 0 below the lowest level and 1 above the highest. Differences are computed in the smaller tail, where they
    keep their relative precision.

    Args:
        mean: in levels, any shape.
        scale: in levels.
        levels: number of levels.

    Returns:
        Shape (*mean.shape, levels).

    >>> from ib_analysis.units import bits
    >>> [round(bits(entropy_nats(probabilities(m, s, 256)).item()), 5) for m, s in [(127.5, 5), (127.5, 20)]]
    [5.20812, 7.18726]
    """
    z = (np.arange(1, levels) - 0.5 - np.asarray(mean, np.float64)[..., np.newaxis]) / scale
    below = _padded(expit(z), 0.0, 1.0)
    above = _padded(expit(-z), 1.0, 0.0)
    return np.where(below[..., 1:] <= 0.5, np.diff(below), -np.diff(above))


def _padded(z: NDArray[np.float64], first: float, last: float) -> NDArray[np.float64]:
    widths = [(0, 0)] * (z.ndim - 1) + [(1, 1)]
    return np.pad(z, widths, constant_values=((first, last),))


def entropy_nats(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """H = -sum p log p over the last axis, in nats."""
    return entr(p).sum(-1)


def sample(mean: ArrayLike, scale: ArrayLike, levels: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draws one level for each mean: a logistic variate rounded to the nearest level and clipped to the range."""
    x = rng.logistic(np.asarray(mean, np.float64), np.asarray(scale, np.float64))
    return np.clip(np.floor(x + 0.5), 0, levels - 1).astype(np.int64)
