"""The mirrored decoder of an autoencoder whose encoder is a residual trunk."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ib_analysis.encoders.layers.residual_block import BasicBlock, Norm, convolution, norm
from ib_analysis.encoders.specs.resnet import ResNetSpec

Shape = tuple[int, int, int]


class Mirror(nn.Module):
    """Decoder from the code to the image: a linear layer to the last stage's shape, then the stages in reverse.

    Every block of the trunk has a mirrored block with the same number of multiplications. A 3x3 convolution and a
    sigmoid map the result to pixels in [0, 1].
    """

    def __init__(self, spec: ResNetSpec, shapes: Sequence[Shape], channels: int) -> None:
        super().__init__()
        self.start = shapes[-1]
        self.expand = nn.Linear(spec.bottleneck, math.prod(self.start))
        self.norm = norm(spec.norm, self.start[0])
        before = [shapes[0], *shapes[:-1]]
        mirrored = reversed(list(zip(spec.blocks, shapes, before)))
        self.stages = nn.Sequential(*(mirrored_stage(n, end, start, spec.norm) for n, end, start in mirrored))
        self.to_pixels = nn.Conv2d(shapes[0][0], channels, 3, padding=1)

    def forward(self, code: Tensor) -> Tensor:
        """The reconstruction in [0, 1], (batch, channels, height, width), of a code (batch, bottleneck)."""
        h = F.relu(self.norm(self.expand(code).unflatten(1, self.start)))
        return torch.sigmoid(self.to_pixels(self.stages(h)))


class UpBlock(nn.Module):
    """A basic block from the shape at the end of a stage to the shape at its start.

    Nearest-neighbour up-sampling before a 3x3 convolution causes no checkerboard artefacts and reaches any size. It
    follows the first convolution and the shortcut's 1x1 convolution, with which it commutes.
    """

    def __init__(self, end: Shape, start: Shape, kind: Norm) -> None:
        super().__init__()
        self.first = convolution(end[0], start[0], 3, kind)
        self.second = convolution(start[0], start[0], 3, kind)
        self.shortcut = convolution(end[0], start[0], 1, kind)
        self.up = nn.Upsample(start[1:])

    def forward(self, h: Tensor) -> Tensor:
        """(batch, *end) to (batch, *start)."""
        return F.relu(self.up(self.shortcut(h)) + self.second(self.up(F.relu(self.first(h)))))


def mirrored_stage(count: int, end: Shape, start: Shape, kind: Norm) -> nn.Sequential:
    """The mirror of a stage of `count` blocks; its last block restores the shape at the start of the stage."""
    last = BasicBlock(end[0], end[0], 1, kind) if end == start else UpBlock(end, start, kind)
    return nn.Sequential(*(BasicBlock(end[0], end[0], 1, kind) for _ in range(count - 1)), last)
