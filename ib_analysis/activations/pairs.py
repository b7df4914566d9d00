"""Pairs (target, h) of one part: what a decoder is fitted and evaluated on."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ib_analysis.activations.activations import Activations
from ib_analysis.datasets.dataset import Part


@dataclass(frozen=True)
class ImagePairs:
    """Images with the activations at one tap; without a tap, images alone."""

    part: Part
    device: torch.device
    activations: Activations | None = None
    tap: str = ""

    def __len__(self) -> int:
        return len(self.part)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Images uint8 (n, C, H, W) and h float32 (n, ...), on the device."""
        target = torch.from_numpy(self.part.images[rows]).to(self.device, non_blocking=True)
        return target, _rows(self.activations, self.tap, rows, self.device)


@dataclass(frozen=True)
class LabelPairs:
    """Labels with the activations at one tap."""

    part: Part
    device: torch.device
    activations: Activations
    tap: str

    def __len__(self) -> int:
        return len(self.part)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Labels int64 (n,) and h float32 (n, ...), on the device."""
        target = torch.from_numpy(self.part.labels[rows]).to(self.device, non_blocking=True)
        return target, _rows(self.activations, self.tap, rows, self.device)


def _rows(
    activations: Activations | None, tap: str, rows: NDArray[np.int64], device: torch.device
) -> Tensor | None:
    return None if activations is None else activations.rows(tap, rows).to(device, non_blocking=True)
