"""The interface of hidden activations: row i of h belongs to image i of one part."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Activations(ABC):
    """h at every tap for every image of one part, stored or recomputed."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def shape(self, tap: str) -> tuple[int, ...]:
        """Shape of one h at the tap; an unknown tap raises UserError."""

    @abstractmethod
    def rows(self, tap: str, rows: NDArray[np.int64]) -> Tensor:
        """h of the given images, float32, shape (len(rows), *shape(tap))."""
