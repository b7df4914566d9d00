"""Pairs (target, h) for fitting and evaluation, fetched one batch at a time."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Pairs(Protocol):
    """Pairs (target, h) by row; h is None for an unconditional decoder.

    `batch` must be a function of the rows alone, without randomness or state. Otherwise a resumed fit differs from an
    uninterrupted one.
    """

    def __len__(self) -> int:
        """Number of pairs."""
        ...

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Targets (len(rows), *target) and h (len(rows), *context) of those rows, on the device of the fit."""
        ...


@dataclass(frozen=True)
class TensorPairs:
    """Pairs in memory, on the device of the fit."""

    target: Tensor
    h: Tensor | None = None

    def __len__(self) -> int:
        return len(self.target)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """The targets and h of those rows."""
        index = torch.as_tensor(rows, device=self.target.device)
        return self.target[index], None if self.h is None else self.h[index]
