"""Smaller images by the exact mean over square blocks of pixels."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.source import Block


def area_mean(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The mean of each block of pixels, in exact integers, halves rounded up.

    Args:
        images: (n, C, H, H), H a multiple of `size`.
        size: height and width of the result.

    >>> area_mean(np.array([[[[0, 1], [0, 1]]]], np.uint8), 1).tolist()
    [[[[1]]]]
    """
    n, channels, height, _ = images.shape
    side = height // size
    blocks = images.reshape(n, channels, size, side, size, side)
    sums = blocks.sum(axis=(3, 5), dtype=np.int64)
    return ((2 * sums + side**2) // (2 * side**2)).astype(np.uint8)


def averaged(blocks: Iterable[Block], size: int) -> Iterator[Block]:
    """The same blocks, every image averaged to size x size; untouched where it has that size."""
    for block in blocks:
        is_smaller = block.images.shape[2] != size
        yield replace(block, images=area_mean(block.images, size)) if is_smaller else block
