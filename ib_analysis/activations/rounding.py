"""Rounding of h to the precision at which decoders read it."""

import torch
from torch import Tensor

from ib_analysis.activations.spec import Precision
from ib_analysis.errors import UserError


def rounded(tap: str, h: Tensor, precision: Precision) -> Tensor:
    """`h`, of any shape, on its device, as float32 or float16.

    Raises:
        UserError: a value is not finite, or overflows float16.
    """
    found = h.detach().to(getattr(torch, precision))
    if bool(torch.isfinite(found).all()):
        return found
    if not bool(torch.isfinite(h).all()):
        raise UserError(
            f"h at tap {tap} is not finite: the encoder's training diverged, lower its learning_rate"
        )
    raise UserError(f"h at tap {tap} reaches {h.abs().max():.4g}, beyond float16: set precision: float32")
