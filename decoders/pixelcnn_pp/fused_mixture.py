"""The log-probability of pixels under the mixture of logistics as one operation, with its gradient, in C.

It serves float32 on a CPU (`fused_mixture.c`). In torch operations (`LogisticMixture.literal_log_prob`) it takes three
to four times as long. The gradient is computed in the same pass as the value.
"""

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from decoders.pixelcnn_pp.native_code import call


class MixtureSizes(ctypes.Structure):
    """A mixture and its pixels as the C function reads them."""

    _fields_ = (
        *(
            (name, ctypes.c_int64)
            for name in ("batch", "channels", "components", "levels", "pixels", "threads")
        ),
        *((name, ctypes.c_float) for name in ("floor", "ceiling", "log_unit")),
    )


class FusedMixture(torch.autograd.Function):
    """Log-probabilities (batch, height, width) of levels (batch, C, height, width); its gradient is kept."""

    @staticmethod
    def forward(
        ctx: Any, sizes: MixtureSizes, differentiates: bool, parameters: Tensor, levels: Tensor
    ) -> Tensor:
        """`parameters` are float32, (batch, outputs, height, width)."""
        given, of_levels = parameters.contiguous(), levels.to(torch.float32).contiguous()
        log_prob = given.new_empty((len(given), *given.shape[2:]))
        gradient = torch.empty_like(given) if differentiates else None
        call("mixture_log_prob", sizes, given, of_levels, log_prob, gradient)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return log_prob

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of the parameters."""
        (of_pixels,) = ctx.saved_tensors
        return None, None, of_pixels * gradients[0].unsqueeze(1), None
