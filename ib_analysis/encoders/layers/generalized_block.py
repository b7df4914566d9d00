"""The generalized residual block: two streams in one convolution (Targ, Almeida & Lyman 2016, Resnet in Resnet)."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GeneralizedBlock(nn.Module):
    """One 3x3 layer over a residual stream r and a transient stream t, x = (r, t):

        r' = s(W_rr * r + W_tr * t + shortcut),    t' = s(W_rt * r + W_tt * t),    s = ReLU of batch norm.

    One convolution with the block weights [[W_rr, W_tr], [W_rt, W_tt]] (outputs by inputs) computes all four, with the
    parameters and multiplications of a plain layer. Without a shortcut it is a plain layer. Batch norm acts on each
    channel, hence on each stream separately.

    `scale` multiplies the first `scaled` output channels before a shortcut is added (see `branch_scaling`).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, scale: float = 1.0, scaled: int = 0) -> None:
        super().__init__()
        self.scale, self.scaled = scale, scaled
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, inner: Tensor | None = None, outer: Tensor | None = None) -> Tensor:
        """(batch, inputs, H, W) to (batch, outputs, ceil(H / stride), ceil(W / stride)).

        `inner` is added before the batch norm, as in the equations; `outer` between batch norm and ReLU, as the
        shortcut of a ResNet block is. Both are added to the first channels.
        """
        h = self.norm(self._with_shortcut(self.conv(x), inner))
        return F.relu(self._with_shortcut(h, outer))

    @torch.no_grad()
    def absorb_identity(self, channels: int) -> None:
        """Adds the identity kernel to the weights of the first `channels` channels: W * x becomes scale W * x + x.

        At stride 2 the added x is that of every second pixel, as in a shortcut with padding.
        """
        self.conv.weight[: self.scaled] *= self.scale
        i = torch.arange(channels, device=self.conv.weight.device)
        self.conv.weight[i, i, 1, 1] += 1.0

    def _with_shortcut(self, h: Tensor, shortcut: Tensor | None) -> Tensor:
        """scale h + shortcut in the first channels; missing channels of the shortcut count as zeros."""
        if shortcut is None:
            return h
        if self.scale != 1.0:
            h = torch.cat([self.scale * h[:, : self.scaled], h[:, self.scaled :]], 1)
        return h + F.pad(shortcut, (0, 0, 0, 0, 0, h.shape[1] - shortcut.shape[1]))


@dataclass(frozen=True)
class Shortcuts:
    """Which shortcuts a block of two layers has, and of which kind they are."""

    streams: Literal[0, 1, 2]
    """Number of streams with shortcuts: none, the residual stream, or both."""
    inner: bool
    """Whether there is a shortcut around each layer."""
    outer: bool
    """Whether there is a shortcut around both layers."""
    projection: bool
    """Where the shape changes: a 1x1 convolution if true, else every second pixel padded with zero channels."""
    absorbed: bool
    """Whether an inner identity is part of the initial weights instead of being added."""


class Subsample(nn.Module):
    """Every stride-th pixel in each direction, from the first: the centres that a strided 3x3 kernel reads."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, H, W) to (batch, C, ceil(H / stride), ceil(W / stride))."""
        return x[:, :, :: self.stride, :: self.stride]


class RirBlock(nn.Module):
    """A ResNet block of two layers in which each convolution is a generalized block.

    Inner shortcuts (around each layer) and an outer one (around both), on the residual stream, give the block of
    Resnet in Resnet; inner shortcuts only, two generalized blocks; an outer shortcut on both streams, a ResNet block
    (He et al. 2016, figure 2); none, two plain layers. All have the same convolutions. Where the shape changes, the
    inner and the outer shortcut share one projection, since both start at the input of the block. The scale
    multiplies every branch that has a shortcut beside it, on the streams with shortcuts.
    """

    def __init__(
        self, before: int, after: int, stride: int, shortcuts: Shortcuts, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.before, self.after, self.shortcuts = before, after, shortcuts
        branch = scale, shortcuts.streams * after
        self.first = GeneralizedBlock(2 * before, 2 * after, stride, *branch)
        self.second = GeneralizedBlock(2 * after, 2 * after, 1, *branch)
        self.projects = shortcuts.projection and shortcuts.streams > 0 and (before, stride) != (after, 1)
        width = shortcuts.streams * before, shortcuts.streams * after
        self.shortcut = nn.Conv2d(*width, 1, stride, bias=False) if self.projects else Subsample(stride)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 2 before, H, W) to (batch, 2 after, ceil(H / stride), ceil(W / stride)), residual stream first."""
        has = self.shortcuts
        start = self.shortcut(x[:, : has.streams * self.before]) if has.inner or has.outer else None
        added = has.inner and not has.absorbed
        y = self.first(x, start if added or (has.inner and self.projects) else None)
        return self.second(y, y[:, : self.after] if added else None, start if has.outer else None)

    def absorb_identities(self) -> None:
        """Adds the inner identities to the weights; a projection is not an identity and is left unchanged."""
        if not self.projects:
            self.first.absorb_identity(self.before)
        self.second.absorb_identity(self.after)
