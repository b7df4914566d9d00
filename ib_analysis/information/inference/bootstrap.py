"""Standard errors by resampling images: of a ratio of means, which has no formula that is exact, and of a mean."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.nats import per_image

REPLICATIONS = 2000
_BLOCK = 2**22  # indices at a time: 32 MiB


def bootstrap_stderr(values: ArrayLike, *, replications: int = REPLICATIONS, seed: int = 0) -> float:
    """Deviation of the mean over images drawn anew, with replacement (Efron 1979).

    Images are the unit: for the error of a difference give the paired differences. As replications grow it
    tends to sqrt((n - 1) / n) s / sqrt(n), the formula of `mean_with_error` but for its divisor; with B replications
    its relative error is about 1 / sqrt(2 B), 1.6 % at the default (for nats without heavy tails).

    Args:
        values: nats, or paired differences of nats, shape (images,).
        replications: B, at least two.
        seed: of the resampling.

    Raises:
        UserError: fewer than two replications or images, or values that are not finite.

    >>> bootstrap_stderr([3.0, 3.0, 3.0])
    0.0
    """
    _check(replications)
    means = np.concatenate(list(_resampled_means(per_image(values, "values"), replications, seed)))
    return float(means.std(ddof=1))


def bootstrap_ratio(
    numerator: ArrayLike, denominator: ArrayLike, *, replications: int = REPLICATIONS, seed: int = 0
) -> tuple[float, float]:
    """mean(numerator) / mean(denominator) and its standard error, images redrawn for both at once (Efron 1979).

    It tends to the delta method, sd(a_i - r b_i) / (sqrt(n) mean(b)) with r the ratio, as images grow, and holds
    the covariance of both. The denominator's mean should lie many standard errors from 0.

    Args:
        numerator: a_i, shape (images,).
        denominator: b_i of the same images in the same order.
        replications: at least two.
        seed: of the resampling.

    Raises:
        UserError: fewer than two replications or images, arrays that do not belong together, values that are not
            finite, or a denominator whose mean is 0.

    >>> bootstrap_ratio([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    (2.0, 0.0)
    """
    _check(replications)
    b = per_image(denominator, "denominator")
    a = per_image(numerator, "numerator", len(b))
    if b.mean() == 0.0:
        raise UserError("denominator: its mean is 0, so that the ratio has no value.")
    drawn = zip(_resampled_means(a, replications, seed), _resampled_means(b, replications, seed), strict=True)
    ratios = np.concatenate([above / below for above, below in drawn])
    return float(a.mean() / b.mean()), float(ratios.std(ddof=1))


def _check(replications: int) -> None:
    if replications < 2:
        raise UserError(f"replications: {replications} have no deviation; ask for two or more.")


def _resampled_means(
    values: NDArray[np.float64], replications: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    rng, n = np.random.default_rng(seed), len(values)
    rows = max(1, _BLOCK // n)
    for start in range(0, replications, rows):
        chosen = rng.integers(0, n, (min(rows, replications - start), n))
        yield values[chosen].mean(axis=1)
