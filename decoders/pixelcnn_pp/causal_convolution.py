"""Causal weight-normalised convolutions, by padding and shifting instead of masks.

Each layer computes y = g v / |v| * x + b (Salimans & Kingma 2016), with one gain g and one bias b per output channel.
Causality follows from the shape of the kernel and the side of the padding, so no product is spent on a masked weight:

- down-shifted, 2x3: sees its own row and the one above, one column to each side;
- down-right-shifted, 2x2: sees its own row and the one above, its own column and the one to the left.

Source: Salimans, Karpathy, Chen & Kingma 2017 (PixelCNN++, arXiv 1701.05517), sections 2.2-2.4.
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# torch 2.13 writes beyond its buffers in the gradient of a channels-last convolution of fewer than 7 channels.
FEWEST_CHANNELS_LAST = 16
# Multiplications up to which a 1x1 convolution in channels last is faster as a product of matrices: by half at 2**20,
# not at all at 2**24 (float32, one thread).
MOST_PRODUCTS = 2**24
SMALLEST_SPREAD = 0.05  # a unit-norm filter whose outputs vary less than this counts as constant


class Margin(NamedTuple):
    """Zeros around a map: columns to the left and right, rows above and below."""

    left: int = 0
    right: int = 0
    above: int = 0
    below: int = 0


class WeightNormalizedConvolution(nn.Module):
    """y = g v / |v| * x + b for an input that includes its margin of zeros.

    Args:
        inputs: channels of x.
        outputs: channels of y.
        stride: 1, or 2 to halve the resolution.
        initial_scale: standard deviation of y after data-dependent initialization.
    """

    kernel: ClassVar[tuple[int, int]]
    margin: ClassVar[Margin] = Margin()

    def __init__(self, inputs: int, outputs: int, stride: int = 1, initial_scale: float = 1.0) -> None:
        super().__init__()
        self.stride = stride
        self.initial_scale = initial_scale
        self.direction = nn.Parameter(0.05 * torch.randn(outputs, inputs, *self.kernel))
        self.gain = nn.Parameter(torch.full((outputs,), initial_scale))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def weight(self) -> Tensor:
        """g v / |v|, shape (outputs, inputs, *kernel)."""
        return torch._weight_norm(self.direction, self.gain.view(-1, 1, 1, 1), 0)

    def forward(self, padded: Tensor) -> Tensor:
        """Convolve an input with its margin, (batch, inputs, height + margins, width + margins)."""
        return F.conv2d(padded, self.weight(), self.bias, self.stride)

    def pad(self, x: Tensor) -> Tensor:
        """Add the margin of zeros that this convolution expects."""
        return F.pad(x, self.margin)


class DownShifted(WeightNormalizedConvolution):
    """2x3: output (i, j) sees rows i - 1 and i, columns j - 1 to j + 1."""

    kernel = (2, 3)
    margin = Margin(left=1, right=1, above=1)


class DownRightShifted(WeightNormalizedConvolution):
    """2x2: output (i, j) sees rows i - 1 and i, columns j - 1 and j."""

    kernel = (2, 2)
    margin = Margin(left=1, above=1)


class RowAbove(WeightNormalizedConvolution):
    """1x3 of the stem: columns j - 1 to j + 1 of one row."""

    kernel = (1, 3)
    margin = Margin(left=1, right=1)


class PixelLeft(WeightNormalizedConvolution):
    """2x1 of the stem: rows i - 1 and i of one column."""

    kernel = (2, 1)
    margin = Margin(above=1)


class Pointwise(WeightNormalizedConvolution):
    """1x1 (network in network): mixes the channels of one pixel."""

    kernel = (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Matrix products, which take half the time of a convolution on a CPU unless x is large and channels last."""
        small = x.device.type == "cpu" and x.numel() * len(self.bias) <= MOST_PRODUCTS
        if is_channels_last(x) and x.shape[1] >= FEWEST_CHANNELS_LAST and not small:
            return F.conv2d(x, self.weight(), self.bias)
        return mix_channels(x, self.weight(), self.bias)


class Centred(WeightNormalizedConvolution):
    """3x3 without causality, for maps of h, which a decoder may read everywhere."""

    kernel = (3, 3)
    margin = Margin(1, 1, 1, 1)


class Halving(WeightNormalizedConvolution):
    """2x2 with stride 2 and no margin: each output sees its own four inputs. Not causal."""

    kernel = (2, 2)

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, stride=2)


class Transposed(WeightNormalizedConvolution):
    """Doubles the resolution: row i of the input affects rows 2i and 2i + 1 of the output."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """The transposed convolution, cropped to twice the size of x."""
        extra = self.kernel[1] - 2
        return F.conv_transpose2d(
            x, self.weight().transpose(0, 1), self.bias, 2, padding=(0, extra), output_padding=(0, extra)
        )


class DownShiftedTransposed(Transposed):
    """2x3: column j affects columns 2j - 1 to 2j + 1, all of which the vertical stream may see."""

    kernel = (2, 3)


class DownRightShiftedTransposed(Transposed):
    """2x2: each 2x2 of the output depends on one coarse cell alone, so it is causal."""

    kernel = (2, 2)


def mix_channels(x: Tensor, weight: Tensor, start: Tensor) -> Tensor:
    """start + weight x at every pixel, in the memory format of `start` if it is a map, else of x.

    Args:
        x: (batch, inputs, height, width).
        weight: (outputs, inputs, 1, 1); (members, outputs, inputs, 1, 1) for members of equal batches.
        start: (outputs,), or a map (batch, outputs, height, width).
    """
    batch, inputs, height, width = x.shape
    if weight.dim() == 5:
        return mix_channels_of_members(x, weight, start)
    is_map = start.dim() == 4
    if is_channels_last(start if is_map else x) or height * width == 1:
        start = start.permute(0, 2, 3, 1).flatten(0, 2) if is_map else start
        rows = torch.addmm(start, x.permute(0, 2, 3, 1).reshape(-1, inputs), weight.flatten(1).t())
        return rows.view(batch, height, width, len(weight)).permute(0, 3, 1, 2)
    start = start.flatten(2) if is_map else start[None, :, None]
    matrices = weight.flatten(1).expand(batch, -1, -1)
    return torch.baddbmm(start, matrices, x.flatten(2)).unflatten(2, (height, width))


def mix_channels_of_members(x: Tensor, weight: Tensor, start: Tensor) -> Tensor:
    """`mix_channels` for a map `start` and weights of each member, in channels last."""
    batch, inputs, height, width = x.shape
    members = len(weight)
    of_pixels = x.permute(0, 2, 3, 1).reshape(members, -1, inputs)
    added_to = start.permute(0, 2, 3, 1).reshape(members, of_pixels.shape[1], -1)
    rows = torch.baddbmm(added_to, of_pixels, weight.flatten(2).transpose(1, 2))
    return rows.view(batch, height, width, -1).permute(0, 3, 1, 2)


def is_channels_last(x: Tensor) -> bool:
    """Whether the channels of a pixel are contiguous; False for a map that is contiguous in both formats."""
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def shift_down(x: Tensor) -> Tensor:
    """Row i becomes row i + 1. Row 0 is exactly zero, bias included; the last row is dropped."""
    return F.pad(x, (0, 0, 1, -1))


def shift_right(x: Tensor) -> Tensor:
    """Column j becomes column j + 1. Column 0 is exactly zero, bias included; the last column is dropped."""
    return F.pad(x, (1, -1, 0, 0))


def initialize_from_data(network: nn.Module, pass_data: Callable[[], object]) -> None:
    """Set the gain and bias of every weight-normalised layer from what it gets in one pass.

    A layer is set where it is first called, so the next one sees its outputs as they are in the end.

    Args:
        network: whose layers are set.
        pass_data: passes the data through the network.
    """
    left = {m for m in network.modules() if isinstance(m, WeightNormalizedConvolution)}

    @torch.no_grad()
    def set_once(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if layer in left:
            left.remove(layer)
            _set_gain_and_bias(layer, *inputs)

    hooks = [layer.register_forward_pre_hook(set_once) for layer in left]
    try:
        pass_data()
    finally:
        for hook in hooks:
            hook.remove()


def _set_gain_and_bias(layer: WeightNormalizedConvolution, x: Tensor) -> None:
    """Set g and b such that each output channel has mean 0 and the initial scale of the layer."""
    layer.gain.fill_(1.0)
    layer.bias.zero_()
    spread, mean = torch.std_mean(layer.forward(x), dim=(0, 2, 3), correction=0)
    # A constant output is not scaled to unit variance, because the first other value would become enormous.
    layer.gain.copy_(layer.initial_scale / spread.masked_fill(spread < SMALLEST_SPREAD, 1.0))
    layer.bias.copy_(-mean * layer.gain)
