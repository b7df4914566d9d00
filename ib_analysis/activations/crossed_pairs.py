"""Images paired with the h of other images, any number of times each."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class CrossedPairs:
    """Pair k is image `image_rows[k]` of `images` (N, C, H, W) with h number `h_rows[k]` of `h` (M, ...)."""

    images: NDArray[np.uint8]
    image_rows: NDArray[np.int64]
    h: NDArray[np.float32]
    h_rows: NDArray[np.int64]
    device: torch.device

    def __len__(self) -> int:
        return len(self.image_rows)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Images uint8 (n, C, H, W) and h float32 (n, ...), on the device."""
        target = torch.from_numpy(self.images[self.image_rows[rows]]).to(self.device)
        return target, torch.from_numpy(self.h[self.h_rows[rows]]).to(self.device)
