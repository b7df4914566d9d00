"""The label of sources without objects: whether the first sub-pixel is in the upper half of the levels."""

import numpy as np
from numpy.typing import NDArray

CLASS_NAMES = ("lower", "upper")


def half_label(images: NDArray[np.uint8], levels: int) -> NDArray[np.int64]:
    """y = [2 x_1 >= levels], shape (n,).

    >>> half_label(np.array([1, 2], np.uint8).reshape(2, 1, 1, 1), 3).tolist()
    [0, 1]
    """
    return (2 * images[:, 0, 0, 0].astype(np.int64) >= levels).astype(np.int64)


def half_shares(first: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(y = 0) and P(y = 1), given the probabilities of the levels of the first sub-pixel.

    >>> half_shares(np.array([0.2, 0.3, 0.5])).tolist()
    [0.5, 0.5]
    """
    upper = (len(first) + 1) // 2
    return np.array([first[:upper].sum(), first[upper:].sum()])
