"""Per-image nats: checked once, then averaged with their standard error."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ib_analysis.errors import UserError


def per_image(nats: ArrayLike, name: str, n: int | None = None) -> NDArray[np.float64]:
    """Nats of at least two images as float64 (images,), all finite.

    Raises:
        UserError: naming what is wrong with the array called `name`.
    """
    array = np.asarray(nats, dtype=np.float64)
    if array.ndim != 1 or len(array) < 2:
        raise UserError(
            f"{name} has shape {array.shape}: nats of two images or more are needed, one value each."
        )
    if n is not None and len(array) != n:
        raise UserError(f"{name} holds {len(array)} images where {n} are expected: evaluate the same images.")
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise UserError(f"{name} is not finite for {bad} of {len(array)} images: fit that decoder again.")
    return array


def mean_with_error(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and its standard error, s / sqrt(n) with s the sample deviation (divisor n - 1).

    >>> mean_with_error(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
