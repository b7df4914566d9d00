"""Gaussian noise on equally likely points, with the information by Monte Carlo over their mixture."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, softmax

from ib_analysis.datasets.image_law import KnownNats

_BLOCK_NUMBERS = 2**22


def mixture_information(
    centres: NDArray[np.float64],
    classes: NDArray[np.float64],
    deviation: float,
    samples: int,
    rng: np.random.Generator,
) -> tuple[KnownNats, KnownNats]:
    """I(c; h) and I(y; h) for h = c + deviation z, z standard normal, c uniform over the centres.

    This is the noisy network of Goldfeld et al. 2019, arXiv 1810.05728, section 4.

    I(c; h) = log K - E[H(c | h)]. The posterior over all K centres is exact for each drawn h; only the mean over h is
    a Monte Carlo estimate. Likewise I(y; h) = H(y) - E[H(y | h)].

    Args:
        centres: shape (K, features).
        classes: P(y | c), shape (K, classes).
        deviation: standard deviation of the noise.
        samples: number of drawn h.
        rng: generator of centres and noise.

    Returns:
        I(c; h) and I(y; h) with their standard errors.

    >>> two = np.array([[-1.0], [1.0]])
    >>> found, label = mixture_information(two, np.eye(2), 1.0, 40_000, np.random.default_rng(0))
    >>> bool(abs(found.nats / np.log(2) - 0.4859) < 0.01), label == found
    (True, True)
    """
    posteriors = _posteriors(centres, deviation, samples, rng)
    unsure = [(entr(p).sum(1), entr(p @ classes).sum(1)) for p in posteriors]
    of_centre, of_label = (np.concatenate(parts) for parts in zip(*unsure))
    label_entropy = float(entr(classes.mean(0)).sum())
    return _difference(float(np.log(len(centres))), of_centre), _difference(label_entropy, of_label)


def _posteriors(
    centres: NDArray[np.float64], deviation: float, samples: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """P(c | h) in blocks of shape (samples of the block, K)."""
    half_squares = (centres**2).sum(1) / 2
    length = max(1, _BLOCK_NUMBERS // len(centres))
    for start in range(0, samples, length):
        chosen = centres[rng.integers(0, len(centres), min(length, samples - start))]
        h = chosen + deviation * rng.standard_normal(chosen.shape)
        yield np.asarray(softmax((h @ centres.T - half_squares) / deviation**2, axis=1))


def _difference(entropy: float, unsure: NDArray[np.float64]) -> KnownNats:
    return KnownNats(entropy - float(unsure.mean()), float(unsure.std(ddof=1) / np.sqrt(len(unsure))))
