"""The interface of hidden activations: rows of h, row i paired with image i of one part."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Activations(ABC):
    """h at every tap for every image of one part, however it is come by (stored, or recomputed)."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def shape(self, tap: str) -> tuple[int, ...]:
        """Shape of one h at that tap; a tap that is not there raises UserError."""

    @abstractmethod
    def rows(self, tap: str, rows: NDArray[np.int64]) -> Tensor:
        """h of those images, float32, shape (len(rows), *shape(tap)), on the device where it lies."""
