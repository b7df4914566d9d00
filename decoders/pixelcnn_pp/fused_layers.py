"""concat_elu with its margin and dropout, and the gate x + a sigmoid(b), each as one operation.

On a CPU, in float32 and bfloat16, each is one pass over memory in C (`fused_layers.c`), forward and backward.
Elsewhere, and where C cannot be compiled, it is a sequence of torch operations. Both accept either memory format and
preserve it.
"""

import ctypes
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from decoders.pixelcnn_pp.causal_convolution import FEWEST_CHANNELS_LAST, Margin, is_channels_last
from decoders.pixelcnn_pp.native_code import addresses, call, compiled_layers

NO_MARGIN = Margin()
CHANCES = 65536  # in C the probability of dropout is a multiple of 1 / CHANCES
DTYPES = (torch.float32, torch.bfloat16)


def concat_elu(
    maps: tuple[Tensor, ...], margin: Margin = NO_MARGIN, dropout: float = 0.0, added: Tensor | None = None
) -> Tensor:
    """elu([x, -x]) for each map x, along channels, with a margin of zeros and element-wise dropout.

    Args:
        maps: each (batch, filters, height, width).
        margin: columns and rows of zeros around the result.
        dropout: probability that an element is zero; the others are divided by 1 - dropout. Drawn from torch's
            generator.
        added: with a single map x, the result is elu([x + added, -x - added]).

    Returns:
        (batch, 2 filters len(maps), height + margins, width + margins).

    >>> concat_elu((torch.tensor([[[[2.0]]]]),)).flatten().tolist()
    [2.0, -0.8646647334098816]
    """
    if runs_in_c(*maps, *(() if added is None else (added,))):
        y: Tensor = FusedConcatElu.apply(margin, dropout, added, *maps)
        return y
    y = literal_concat_elu(maps if added is None else (maps[0] + added,), margin)
    return F.dropout(y, dropout) if dropout else y


def literal_concat_elu(maps: tuple[Tensor, ...], margin: Margin = NO_MARGIN) -> Tensor:
    """elu([x, -x]) for each map x, along channels, with a margin of zeros, in torch operations."""
    signed = torch.cat([part for x in maps for part in (x, -x)], dim=1)
    return F.elu(F.pad(signed, margin) if any(margin) else signed)


def gate(c: Tensor, x: Tensor) -> Tensor:
    """x + a sigmoid(b), where (a, b) are the halves of c along channels.

    >>> c, x = torch.tensor([3.0, 0.0]), torch.tensor([1.0])
    >>> gate(c.view(1, 2, 1, 1), x.view(1, 1, 1, 1)).item()
    2.5
    """
    if runs_in_c(c, x):
        y: Tensor = FusedGate.apply(c, x)
        return y
    return F.glu(c, dim=1).add_(x)


def laid_out(x: Tensor) -> Tensor:
    """x with channels last where that is fastest: on a CPU in C and on a GPU, if they fill whole vector registers.

    Tensor cores read channels last; a convolution of a contiguous map first makes a transposed copy.
    """
    fills = x.shape[1] % FEWEST_CHANNELS_LAST == 0
    return x.contiguous(memory_format=torch.channels_last) if fills and (x.is_cuda or runs_in_c(x)) else x


def runs_in_c(*maps: Tensor) -> bool:
    """Whether the C functions accept these maps: all on a CPU, in one supported precision."""
    dtype = maps[0].dtype
    taken = dtype in DTYPES and all(x.device.type == "cpu" and x.dtype == dtype for x in maps)
    return taken and not torch.compiler.is_compiling() and compiled_layers() is not None


def chances_to_keep(dropout: float) -> int:
    """Number of kept elements among 65536, at least one.

    >>> chances_to_keep(0.5), chances_to_keep(0.0), chances_to_keep(1 - 1e-9)
    (32768, 65536, 1)
    """
    return max(1, round(CHANCES * (1 - dropout)))


class Layout(ctypes.Structure):
    """Sizes of the maps and of the margin, as the C functions read them."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("batch", "filters", "height", "width", "maps")),
        *((name, ctypes.c_int64) for name in Margin._fields),
        *((name, ctypes.c_int64) for name in ("channels_last", "bfloat16", "threads")),
    )


class Dropout(ctypes.Structure):
    """A dropout mask as the C functions read it: they compute it from its seed in each pass."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("seed", "second_seed", "kept")),
        ("scale", ctypes.c_float),
    )


@lru_cache(maxsize=4096)
def layout(
    shape: torch.Size, maps: int, margin: Margin, last: bool, dtype: torch.dtype, threads: int
) -> Layout:
    """The layout of a call, cached, as a network has few kinds of calls."""
    return Layout(*shape, maps, *margin, last, dtype == torch.bfloat16, threads)


def mask_of(dropout: float) -> Dropout:
    """A new mask; without dropout torch's generator is not used."""
    kept = chances_to_keep(dropout)
    seeds = torch.randint(2**32, (2,), device="cpu").tolist() if kept < CHANCES else (0, 0)
    return Dropout(*seeds, kept, CHANCES / kept)


def format_of(x: Tensor) -> torch.memory_format:
    """Memory format of a map."""
    return torch.channels_last if is_channels_last(x) else torch.contiguous_format


class FusedConcatElu(torch.autograd.Function):
    """`concat_elu`; its gradient needs only the result and the seed of the mask."""

    @staticmethod
    def forward(ctx: Any, margin: Margin, dropout: float, added: Tensor | None, *maps: Tensor) -> Tensor:
        """Read all maps in the memory format of the first."""
        memory = format_of(maps[0])
        laid_out = [x.contiguous(memory_format=memory) for x in maps]
        also = None if added is None else added.contiguous(memory_format=memory)
        batch, filters, height, width = maps[0].shape
        sizes = height + margin.above + margin.below, width + margin.left + margin.right
        channels = 2 * filters * len(maps)
        y = torch.empty((batch, channels, *sizes), dtype=maps[0].dtype, device="cpu", memory_format=memory)
        last = memory == torch.channels_last
        s = layout(maps[0].shape, len(maps), margin, last, y.dtype, torch.get_num_threads())
        mask = mask_of(dropout)
        call("concat_elu_forward", s, mask, addresses(laid_out), also, y)
        ctx.save_for_backward(y)
        ctx.settings = s, mask, maps[0].shape, memory, added is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of `added` and of the maps."""
        s, mask, shape, memory, adds = ctx.settings
        (y,) = ctx.saved_tensors
        g = gradients[0].contiguous(memory_format=memory)
        dx = [torch.empty(shape, dtype=y.dtype, device="cpu", memory_format=memory) for _ in range(s.maps)]
        call("concat_elu_backward", s, mask, g, y, addresses(dx))
        return None, None, dx[0] if adds else None, *dx


class FusedGate(torch.autograd.Function):
    """`gate`; its gradient needs only c."""

    @staticmethod
    def forward(ctx: Any, c: Tensor, x: Tensor) -> Tensor:
        """Read both in the memory format of c."""
        memory = format_of(c)
        c, x = c.contiguous(memory_format=memory), x.contiguous(memory_format=memory)
        last = memory == torch.channels_last
        s = layout(x.shape, 1, NO_MARGIN, last, c.dtype, torch.get_num_threads())
        y = torch.empty_like(x)
        call("gate_forward", s, c, x, y)
        ctx.save_for_backward(c)
        ctx.settings = s, memory
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of c and x."""
        s, memory = ctx.settings
        (c,) = ctx.saved_tensors
        g = gradients[0].contiguous(memory_format=memory)
        dc = torch.empty_like(c)
        call("gate_backward", s, g, c, dc)
        return dc, g
