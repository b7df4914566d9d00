"""The gated residual layer of PixelCNN++: x + a sigmoid(b).

Source: Salimans et al. 2017, section 2.5; van den Oord et al. 2016 (arXiv 1606.05328), equation 5, for the
conditioning term.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from decoders.pixelcnn_pp.causal_convolution import (
    Margin,
    Pointwise,
    WeightNormalizedConvolution,
    mix_channels,
)

NO_MARGIN = Margin()
CHANCES = 128  # on a CPU the probability of dropout is a multiple of 1 / 128


def literal_concat_elu(maps: tuple[Tensor, ...], margin: Margin = NO_MARGIN) -> Tensor:
    """elu([x, -x]) for each map x, along channels, with a margin of zeros, operation by operation."""
    signed = torch.cat([part for x in maps for part in (x, -x)], dim=1)
    return F.elu(F.pad(signed, margin) if any(margin) else signed)


def concat_elu(maps: tuple[Tensor, ...], margin: Margin = NO_MARGIN, dropout: float = 0.0) -> Tensor:
    """elu([x, -x]) for each map x, along channels, with a margin of zeros and element-wise dropout.

    On a CPU in float32 it is one fused operation, which takes a third of the time.

    >>> concat_elu((torch.tensor([[[[2.0]]]]),)).flatten().tolist()
    [2.0, -0.8646647334098816]
    """
    fused = (
        maps[0].device.type == "cpu" and maps[0].dtype == torch.float32 and not torch.compiler.is_compiling()
    )
    if fused:
        return FusedConcatElu.apply(margin, chances_to_keep(dropout), *maps)
    y = literal_concat_elu(maps, margin)
    return F.dropout(y, dropout) if dropout else y


def drop(x: Tensor, dropout: float) -> Tensor:
    """Element-wise dropout, with the cheap mask on a CPU."""
    if not dropout or x.device.type != "cpu" or torch.compiler.is_compiling():
        return F.dropout(x, dropout)
    chances = chances_to_keep(dropout)
    return x * keep_mask(x.shape, chances).to(x.dtype).mul_(-CHANCES / chances)


def chances_to_keep(dropout: float) -> int:
    """Of 128, at least one.

    >>> chances_to_keep(0.5), chances_to_keep(0.0), chances_to_keep(0.999)
    (64, 128, 1)
    """
    return max(1, round(CHANCES * (1 - dropout)))


def keep_mask(shape: torch.Size, chances: int) -> Tensor:
    """Independent -1 (kept, with probability chances / 128) or 0 (dropped), int8, from torch's own generator.

    Eight at a time from the bytes of one random integer: a tenth of the time of `bernoulli_`.
    """
    count = shape.numel()
    integers = torch.empty(-(-count // 8), dtype=torch.int64).random_(-(2**63), None)
    # Seven random bits, -64 to 63; less the threshold they never overflow, and the sign is the answer.
    bits = integers.view(torch.int8)[:count].bitwise_right_shift_(1).sub_(chances - CHANCES // 2)
    return bits.bitwise_right_shift_(7).view(shape)


class FusedConcatElu(torch.autograd.Function):
    """`concat_elu` written straight into the padded result, with half the exponentials and a cheap mask.

    With m = exp(-|x|) - 1, elu(x) = max(x, m) and elu(-x) = max(-x, m), since exp(t) - 1 >= t. The gradient
    needs the result alone: elu' is 1 where it is positive and elu + 1 elsewhere.
    """

    @staticmethod
    def forward(ctx: Any, margin: Margin, chances: int, *maps: Tensor) -> Tensor:
        """Chances of 128 are no dropout."""
        x = maps[0]
        batch, filters, height, width = x.shape
        sizes = height + margin.above + margin.below, width + margin.left + margin.right
        y = x.new_zeros(batch, 2 * filters * len(maps), *sizes)
        inner = inside(y, margin, height, width)
        for x, (positive, negative) in zip(maps, pairs(inner.split(filters, 1))):
            m = x.abs().neg_().exp_().sub_(1.0)
            torch.maximum(x, m, out=positive)
            torch.maximum(x.neg(), m, out=negative)
        mask = keep_mask(y.shape, chances) if chances < CHANCES else None
        if mask is not None:
            y.mul_(CHANCES / chances).view(torch.int32).bitwise_and_(mask.to(torch.int32))
        ctx.save_for_backward(y, mask)
        ctx.settings = margin, chances, filters, height, width
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the maps."""
        margin, chances, filters, height, width = ctx.settings
        y, mask = ctx.saved_tensors
        g = y.clamp(max=0.0).add_(CHANCES / chances).mul_(gradients[0])
        if mask is not None:
            g.view(torch.int32).bitwise_and_(mask.to(torch.int32))
        halves = pairs(inside(g, margin, height, width).split(filters, 1))
        return None, None, *(positive - negative for positive, negative in halves)


def inside(y: Tensor, margin: Margin, height: int, width: int) -> Tensor:
    """A padded map without its margin."""
    return y[:, :, margin.above : margin.above + height, margin.left : margin.left + width]


def pairs(parts: tuple[Tensor, ...]) -> list[tuple[Tensor, Tensor]]:
    """Consecutive parts, two by two."""
    return list(zip(parts[::2], parts[1::2]))


class GatedResnet(nn.Module):
    """x + a sigmoid(b), (a, b) = conv(drop(concat_elu(conv(concat_elu(x)) + 1x1(concat_elu(skips))))) + V s.

    Args:
        filters: channels of x and of each skip.
        convolution: the causal convolution of the stream.
        skips: maps that are seen at the same pixel (from the other stream, from the way down).
        dropout: element-wise, before the second convolution.
        context_filters: channels of s; 0 for an unconditional decoder.
    """

    def __init__(
        self,
        filters: int,
        convolution: type[WeightNormalizedConvolution],
        skips: int,
        dropout: float,
        context_filters: int,
    ) -> None:
        super().__init__()
        self.first = convolution(2 * filters, filters)
        self.skip = Pointwise(2 * filters * skips, filters) if skips else None
        self.second = convolution(2 * filters, 2 * filters, initial_scale=0.1)
        self.dropout = dropout
        # Zero, and drawn from no generator: a fresh conditional decoder is the unconditional one.
        zeros = torch.zeros(2 * filters, context_filters, 1, 1)
        self.context = nn.Parameter(zeros) if context_filters else None

    def forward(self, x: Tensor, skips: tuple[Tensor, ...] = (), s: Tensor | None = None) -> Tensor:
        """Shapes: x and skips (batch, filters, height, width), s (batch, context filters, height, width)."""
        c = self.first(concat_elu((x,), self.first.margin))
        if self.skip is not None:
            c = self.skip(concat_elu(skips)).add_(c)
        c = self.second(concat_elu((c,), self.second.margin, self.dropout if self.training else 0.0))
        if self.context is not None and s is not None:
            c = mix_channels(c.flatten(2), self.context, s)
        return F.glu(c, dim=1).add_(x)
