"""Fake quantization: quantized values in the forward pass, straight-through gradients (Abdolrashidi et al. 2021)."""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ib_analysis.encoders.specs.quantized import Bits, FewBits

AVERAGE_COEFFICIENT = 0.1
SMALLEST_BOUND = 1e-12
"""Replaces a bound of 0, which would divide by zero; a channel that is always 0 stays near 0."""


class StraightThrough(torch.autograd.Function):
    """Returns `value`; the gradient reaches x unchanged where `passes` is true and is 0 elsewhere."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, value: Tensor, passes: Tensor) -> Tensor:
        """The value, with the shape of x."""
        return value.view_as(value)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        """Keeps what the gradient needs."""
        ctx.save_for_backward(inputs[2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The gradient with respect to x; scales and bounds have none."""
        (passes,) = ctx.saved_tensors
        return gradient * passes, None, None


def straight_through(x: Tensor, value: Tensor, passes: Tensor) -> Tensor:
    """The value with the gradient of x times `passes`."""
    return cast(Tensor, StraightThrough.apply(x, value, passes))


def symmetric(x: Tensor, bound: Tensor, bits: int) -> Tensor:
    """q / s with s = (2^(p-1) - 1) / bound and q = clip(floor(x s + 1/2), -+(2^(p-1) - 1)), p the bits.

    2^p - 1 levels, including 0: four bits have -7..7. Rounding is straight-through and the scale has no gradient. The
    gradient of clipping is 1 where the rounded value lies within the limits (inclusive) and 0 beyond them.

    >>> symmetric(torch.tensor([-2.0, -1.0, 0.2, 0.6]), torch.tensor(1.0), 2).tolist()
    [-1.0, -1.0, 0.0, 1.0]
    """
    end = 2 ** (bits - 1) - 1
    with torch.no_grad():
        s = end / bound.clamp_min(SMALLEST_BOUND)
        rounded = torch.floor(x * s + 0.5)
        q = rounded.clamp(-end, end)
    return straight_through(x, q / s, q == rounded)


def unsigned(x: Tensor, bound: Tensor, bits: int) -> Tensor:
    """q / s with s = 2^p / bound and q = clip(floor(x s), 0, 2^p - 1), p the bits: floor, not round.

    2^p levels from 0 to bound (1 - 2^-p). Gradients are those of `symmetric`: 1 for x in [0, bound), 0 elsewhere.

    >>> unsigned(torch.tensor([-1.0, 0.3, 0.99, 5.0]), torch.tensor(1.0), 2).tolist()
    [0.0, 0.25, 0.75, 0.75]
    """
    with torch.no_grad():
        s = 2**bits / bound.clamp_min(SMALLEST_BOUND)
        rounded = torch.floor(x * s)
        q = rounded.clamp(0, 2**bits - 1)
    return straight_through(x, q / s, q == rounded)


def to_bfloat16(x: Tensor) -> Tensor:
    """x rounded to bfloat16, with straight-through gradient; the dtype of the tensor is unchanged."""
    with torch.no_grad():
        value = x.bfloat16().to(x.dtype)
    return straight_through(x, value, torch.ones((), device=x.device))


def quantized_weight(weight: Tensor, bits: Bits) -> Tensor:
    """A weight (outputs, ...) quantized by `symmetric`, with the bound max|w| of each output channel.

    The bound is recomputed from the current weight at every step, so nothing is clipped.
    """
    if bits == "bf16":
        return to_bfloat16(weight)
    bound = weight.detach().abs().amax(dim=tuple(range(1, weight.ndim)), keepdim=True)
    return symmetric(weight, bound, bits)


class Bfloat16(nn.Module):
    """Activations rounded to bfloat16; no bounds are needed."""

    bits: Bits = "bf16"

    def forward(self, x: Tensor) -> Tensor:
        """x, rounded."""
        return to_bfloat16(x)

    def reset(self) -> None:
        """Does nothing: there is no state."""

    @property
    def collecting(self) -> bool:
        """Never."""
        return False


class ActivationQuantizer(nn.Module):
    """Quantizer of activations (batch, channels, ...); a bound for each channel is collected first, then frozen.

    In training mode the first `start_step` batches pass unchanged. The largest absolute value of each channel over a
    batch updates an exponential average with coefficient 0.1, which starts at the first non-zero value; a channel that
    is zero throughout a batch leaves its average unchanged. After `start_step` batches the averages become the bounds
    and stay fixed; from the next batch on activations are quantized by `unsigned`, or by `symmetric` where `signed`.
    Evaluation mode collects nothing. The state holds the averages, the bounds and the number of batches.
    """

    maximum: Tensor
    bound: Tensor
    batches: Tensor

    def __init__(self, channels: int, bits: FewBits, *, signed: bool, start_step: int) -> None:
        super().__init__()
        self.bits: FewBits = bits
        self.signed, self.start_step = signed, start_step
        self.register_buffer("maximum", torch.zeros(channels))
        self.register_buffer("bound", torch.zeros(channels))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        # A copy of the count as a Python number, because reading a buffer on a GPU would synchronise in every layer.
        self._batches = 0
        self.register_load_state_dict_post_hook(lambda module, _: module._count_from_state())

    @property
    def collecting(self) -> bool:
        """Whether bounds are still being collected and activations pass unchanged."""
        return self._batches < self.start_step

    def forward(self, x: Tensor) -> Tensor:
        """x while bounds are collected, then the quantized x."""
        if self.collecting:
            if self.training:
                self._collect(x.detach())
            return x
        bound = self.bound.view(-1, *(1 for _ in x.shape[2:]))
        return symmetric(x, bound, self.bits) if self.signed else unsigned(x, bound, self.bits)

    def reset(self) -> None:
        """Resets the averages, the bounds and the number of batches to 0."""
        for buffer in (self.maximum, self.bound, self.batches):
            buffer.zero_()
        self._batches = 0

    def _collect(self, x: Tensor) -> None:
        largest = x.abs().amax(dim=(0, *range(2, x.ndim))).to(self.maximum.dtype)
        began, seen = self.maximum > 0, largest > 0
        average = self.maximum + AVERAGE_COEFFICIENT * (largest - self.maximum)
        self.maximum.copy_(torch.where(seen, torch.where(began, average, largest), self.maximum))
        self.batches += 1
        self._batches += 1
        if not self.collecting:
            self.bound.copy_(self.maximum)

    def _count_from_state(self) -> None:
        self._batches = int(self.batches)


Quantizer = ActivationQuantizer | Bfloat16


def activation_quantizer(channels: int, bits: Bits, *, signed: bool, start_step: int) -> Quantizer:
    """The quantizer of activations with the given number of channels."""
    if bits == "bf16":
        return Bfloat16()
    return ActivationQuantizer(channels, bits, signed=signed, start_step=start_step)


class QuantizedConv2d(nn.Conv2d):
    """A convolution that shares the parameters of `conv` and quantizes its weight and input, but not its bias."""

    def __init__(self, conv: nn.Conv2d, bits: Bits, reads: Quantizer) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            cast(tuple[int, int], conv.kernel_size),
            cast(tuple[int, int], conv.stride),
            cast(tuple[int, int], conv.padding),
            cast(tuple[int, int], conv.dilation),
            conv.groups,
            conv.bias is not None,
            conv.padding_mode,
            device="meta",
        )
        self.weight, self.bias, self.bits, self.reads = conv.weight, conv.bias, bits, reads

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of the quantized input with the quantized weight."""
        return self._conv_forward(self.reads(x), quantized_weight(self.weight, self.bits), self.bias)


class QuantizedLinear(nn.Linear):
    """A linear layer that shares the parameters of `linear` and quantizes its weight and input, but not its bias."""

    def __init__(self, linear: nn.Linear, bits: Bits, reads: Quantizer) -> None:
        super().__init__(linear.in_features, linear.out_features, linear.bias is not None, device="meta")
        self.weight, self.bias, self.bits, self.reads = linear.weight, linear.bias, bits, reads

    def forward(self, x: Tensor) -> Tensor:
        """The quantized input times the quantized weight."""
        return F.linear(self.reads(x), quantized_weight(self.weight, self.bits), self.bias)


def quantized_layer(layer: nn.Module, bits: Bits, reads: Quantizer) -> nn.Module:
    """The fake-quantized form of a convolution or linear layer, with the same parameters."""
    if isinstance(layer, nn.Conv2d):
        return QuantizedConv2d(layer, bits, reads)
    if isinstance(layer, nn.Linear):
        return QuantizedLinear(layer, bits, reads)
    raise TypeError(f"{type(layer).__name__} is neither a convolution nor a linear layer")
