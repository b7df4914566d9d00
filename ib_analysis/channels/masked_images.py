"""Views of real images for the tests of consistency: rows kept, all rows folded to fewer, two images side by side.

A view is a plain function of levels (n, C, H, W). Nothing of the images' law need be known.
"""

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import scaled
from ib_analysis.errors import UserError

Levels = NDArray[np.uint8]
Features = NDArray[np.float32]


def kept_rows(images: Levels, rows: int, levels: int) -> Features:
    """The top rows on [-1, 1], the others 0, and a last channel that is 1 where a row was kept: (n, C + 1, H, W).

    >>> kept_rows(np.full((1, 1, 2, 2), 3, np.uint8), 1, 4)[0, :, :, 0].tolist()
    [[1.0, 0.0], [1.0, 0.0]]

    Raises:
        UserError: the images have fewer rows.
    """
    if rows > images.shape[2]:
        raise UserError(f"consistency: {rows} rows of images of {images.shape[2]}; keep at most all of them")
    shown = np.ones((len(images), 1, *images.shape[2:]), np.float32)
    view = np.concatenate([scaled(images, levels), shown], axis=1)
    view[:, :, rows:] = 0.0
    return view


def folded(images: Levels, rows: int, levels: int) -> Features:
    """The whole image on a grid of so many rows: the top ones at their places, those below as further channels.

    Invertible, so that it holds all of the image; a decoder of the top rows finds each pixel at its place. Missing
    rows of the last fold are 0. Shape (n, C ceil(H / rows), rows, W).

    >>> folded(np.arange(3, dtype=np.uint8).reshape(1, 1, 3, 1), 2, 3)[0, :, :, 0].tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    n, _, height, width = images.shape
    folds = -(-height // rows)
    missing = folds * rows - height
    padded = np.pad(scaled(images, levels), ((0, 0), (0, 0), (0, missing), (0, 0)))
    parts = padded.reshape(n, images.shape[1], folds, rows, width)
    return np.ascontiguousarray(parts.swapaxes(1, 2)).reshape(n, -1, rows, width)


def beside(left: NDArray, right: NDArray) -> NDArray:
    """Two maps (n, C, H, W) side by side, (n, C, H, 2 W)."""
    return np.concatenate([left, right], axis=3)
