"""The interface of every source of images: blocks of bounded size in a fixed order."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.dataset import PartName
from ib_analysis.spec import Spec

BLOCK_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Block:
    """Some images of one source.

    Attributes:
        images: uint8, (n, C, H, W), values 0..levels-1.
        labels: int64, (n,).
        part: the native part of all images of the block; None if the source has no native parts.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    part: PartName | None = None

    def __len__(self) -> int:
        return len(self.labels)


class Source(ABC):
    """A source of images; every pass over `blocks` yields the same images in the same order."""

    Spec: ClassVar[type[Spec]]
    name: str
    shape: tuple[int, int, int]
    """(C, H, W) of every image."""
    levels: int
    """Number of levels of a sub-pixel, values 0..levels-1."""
    class_names: tuple[str, ...]
    known: dict[str, float] | None = None
    """Quantities known in closed form, in nats: "H(x)", "H(y)", "I(y;x)", "I(x;rows2)" ..."""

    @abstractmethod
    def __init__(self, spec: Any) -> None: ...

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """All images in blocks of at most `block_length(self.shape)`, which bounds memory by one block."""


def block_length(shape: tuple[int, int, int]) -> int:
    """Number of images (C, H, W) in a block of 8 MiB.

    >>> block_length((3, 32, 32)) * 3 * 32 * 32 <= BLOCK_BYTES
    True
    >>> block_length((3, 4096, 4096))
    1
    """
    return max(1, BLOCK_BYTES // math.prod(shape))


def in_blocks(
    images: NDArray[np.uint8], labels: NDArray[np.int64], part: PartName | None = None
) -> Iterator[Block]:
    """Blocks of an array of images (N, C, H, W), as views."""
    channels, height, width = images.shape[1:]
    length = block_length((channels, height, width))
    for start in range(0, len(labels), length):
        yield Block(images[start : start + length], labels[start : start + length], part)
