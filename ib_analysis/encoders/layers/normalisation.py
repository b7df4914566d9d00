"""Pixel normalisation to zero mean and unit variance in each channel."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Normalise(nn.Module):
    """(x / (levels - 1) - mean) / std, for uint8 x of shape (batch, C, H, W); mean and std are state."""

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.top = levels - 1
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))

    def set(self, mean: Tensor, std: Tensor) -> None:
        """Sets the mean and standard deviation of each channel, (C,) each, of pixels scaled to [0, 1]."""
        self.mean.copy_(mean.view_as(self.mean))
        self.std.copy_(std.view_as(self.std))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pixels, float32."""
        return (x.float() / self.top - self.mean) / self.std


def pixel_statistics(images: NDArray[np.uint8], levels: int, block: int = 1024) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (C,) each, of pixels scaled to [0, 1].

    Computed from integer counts of the levels, hence exact up to the final rounding. Images are read in blocks, so
    memory does not grow with their number. A constant channel gets the standard deviation 1.

    >>> mean, std = pixel_statistics(np.array([0, 255, 0, 255], np.uint8).reshape(4, 1, 1, 1), levels=256)
    >>> mean.item(), std.item()
    (0.5, 0.5)
    """
    counts = np.zeros((images.shape[1], 256), np.int64)
    for start in range(0, len(images), block):
        rows = images[start : start + block]
        for c in range(len(counts)):
            counts[c] += np.bincount(rows[:, c].ravel(), minlength=256)
    level = np.arange(256) / (levels - 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    mean = p @ level
    variance = (p * (level - mean[:, None]) ** 2).sum(axis=1)
    std = np.where(variance > 0, np.sqrt(variance), 1.0)
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()
