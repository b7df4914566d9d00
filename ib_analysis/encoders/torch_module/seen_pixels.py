"""Which pixels of an image can change h at all."""

from collections.abc import Callable

import torch
from torch import Tensor


def seen_pixels(read: Callable[[Tensor], dict[str, Tensor]], x: Tensor) -> Tensor | None:
    """Where the gradient of h at any tap is not zero for any of the images, booleans (H, W).

    A crop and a border that strides leave out have no gradient. The gradient is that of one random projection of h.

    Args:
        read: gives h at the taps, with the graph of its computation.
        x: images (n, C, H, W) of levels, as floating-point numbers.

    Returns:
        None where no tap has a gradient.
    """
    pixels = x.float().requires_grad_()
    with torch.enable_grad():
        projected = [_projection(h) for h in read(pixels).values() if h.requires_grad]
        if not projected:
            return None
        (gradient,) = torch.autograd.grad(torch.stack(projected).sum(), pixels)
    return (gradient != 0).any(0).any(0)


def _projection(h: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return (h * torch.randn(h.shape, generator=generator).to(h.device)).sum()
