"""Multiply-adds of one forward pass."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

PER_NORMALISED_VALUE = 2
"""A batch norm normalises, then scales and shifts: a multiplication and an addition each."""


@dataclass
class MultiplyAdds:
    """Multiply-adds for one image, of the layers with weights; additions of shortcuts and pooling are not counted."""

    convolutions: int = 0
    """Convolutions and linear layers: values put out times fan-in, padding included."""
    norms: int = 0
    """Batch norms, as trained: two for each value."""

    @property
    def total(self) -> int:
        """Both together."""
        return self.convolutions + self.norms


@torch.no_grad()
def multiply_adds(network: nn.Module, image: Tensor) -> MultiplyAdds:
    """Counts while one image, shape (1, C, H, W), passes through the network, which is left in evaluation mode.

    >>> multiply_adds(nn.Conv2d(3, 8, 3, padding=1), torch.zeros(1, 3, 4, 4)).convolutions == 8 * 16 * 27
    True
    """
    found = MultiplyAdds()
    hooks = [module.register_forward_hook(partial(_count, found)) for module in network.modules()]
    try:
        network.eval()(image)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _count(found: MultiplyAdds, module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        found.convolutions += output.numel() * module.weight[0].numel()
    elif isinstance(module, nn.BatchNorm2d):
        found.norms += PER_NORMALISED_VALUE * output.numel()
