"""The two-layer residual block and its choice of normalisation."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["batch", "group", "none"]
CHANNELS_PER_GROUP = 8
LARGEST_NUMBER_OF_GROUPS = 32


def norm(kind: Norm, channels: int) -> nn.Module:
    """A normalisation layer for (batch, channels, H, W)."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "group":
        return nn.GroupNorm(number_of_groups(channels), channels)
    return nn.Identity()


def number_of_groups(channels: int) -> int:
    """The largest divisor of `channels`, at most 32, that gives at least eight channels to a group.

    Group norm of a single channel is identically 0 where a stage has only one pixel.

    >>> [number_of_groups(c) for c in (4, 16, 20, 64, 512)]
    [1, 2, 2, 8, 32]
    """
    most = min(LARGEST_NUMBER_OF_GROUPS, max(1, channels // CHANNELS_PER_GROUP))
    return max(g for g in range(1, most + 1) if channels % g == 0)


def convolution(inputs: int, outputs: int, size: int, kind: Norm, stride: int = 1) -> nn.Sequential:
    """A convolution with padding, followed by its norm; without a norm it has a bias. Sizes are rounded up."""
    conv = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=kind == "none")
    return nn.Sequential(conv, norm(kind, outputs))


class BasicBlock(nn.Module):
    """relu(shortcut(x) + scale F(x)), F = conv 3x3, norm, relu, conv 3x3, norm.

    The shortcut is the identity, or a 1x1 convolution with its norm where the shape changes (He et al. 2016,
    equations 1 and 2, figure 2; option B of section 4.1); it is never scaled.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, kind: Norm, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.first = convolution(inputs, outputs, 3, kind, stride)
        self.second = convolution(outputs, outputs, 3, kind)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else convolution(inputs, outputs, 1, kind, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, H, W) to (batch, outputs, ceil(H / stride), ceil(W / stride))."""
        return F.relu(torch.add(self.shortcut(x), self.second(F.relu(self.first(x))), alpha=self.scale))
