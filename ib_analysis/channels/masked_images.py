"""Maps of real images for the consistency tests: kept rows, folded rows, two images side by side.

Each map is a function of levels (n, C, H, W). The distribution of the images need not be known.
"""

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import scale_levels
from ib_analysis.errors import UserError

Levels = NDArray[np.uint8]
Features = NDArray[np.float32]


def keep_rows(images: Levels, rows: int, levels: int) -> Features:
    """The top rows scaled to [-1, 1], the others 0, and a last channel that is 1 for a kept row: (n, C + 1, H, W).

    >>> keep_rows(np.full((1, 1, 2, 2), 3, np.uint8), 1, 4)[0, :, :, 0].tolist()
    [[1.0, 0.0], [1.0, 0.0]]

    Raises:
        UserError: the images have fewer rows than asked for.
    """
    if rows > images.shape[2]:
        raise UserError(
            f"consistency: {rows} rows are asked for and the images have {images.shape[2]}; ask for fewer"
        )
    shown = np.ones((len(images), 1, *images.shape[2:]), np.float32)
    view = np.concatenate([scale_levels(images, levels), shown], axis=1)
    view[:, :, rows:] = 0.0
    return view


def fold_rows(images: Levels, rows: int, levels: int) -> Features:
    """The whole image on a grid of `rows` rows: the rows below the top ones become further channels.

    The map is invertible, so it keeps all information; the top rows stay at their positions. Missing rows of the last
    fold are 0. Shape (n, C ceil(H / rows), rows, W).

    >>> fold_rows(np.arange(3, dtype=np.uint8).reshape(1, 1, 3, 1), 2, 3)[0, :, :, 0].tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    n, _, height, width = images.shape
    folds = -(-height // rows)
    missing = folds * rows - height
    padded = np.pad(scale_levels(images, levels), ((0, 0), (0, 0), (0, missing), (0, 0)))
    parts = padded.reshape(n, images.shape[1], folds, rows, width)
    return np.ascontiguousarray(parts.swapaxes(1, 2)).reshape(n, -1, rows, width)


def put_side_by_side(left: NDArray, right: NDArray) -> NDArray:
    """Two maps (n, C, H, W) side by side, (n, C, H, 2 W)."""
    return np.concatenate([left, right], axis=3)
