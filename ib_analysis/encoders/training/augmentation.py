"""Random crops and flips of a whole batch, on the device of the batch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ib_analysis.encoders.specs.training import TrainingSpec


def augment(x: Tensor, spec: TrainingSpec, generator: torch.Generator) -> Tensor:
    """Crops and flips a batch (B, C, H, W) as the spec says.

    Random numbers are drawn on the generator's device, the CPU, and copied to the batch, so that a seed gives the same
    images on every device.
    """
    if spec.crop_padding:
        offsets = torch.randint(0, 2 * spec.crop_padding + 1, (2, len(x)), generator=generator)
        x = crop(x, spec.crop_padding, offsets.to(x.device, non_blocking=True))
    if spec.flip:
        mask = torch.rand(len(x), generator=generator) < 0.5
        x = flip(x, mask.to(x.device, non_blocking=True))
    return x


def crop(x: Tensor, padding: int, offsets: Tensor) -> Tensor:
    """Crops every image, padded with zeros, to its original size.

    Args:
        x: images (B, C, H, W), any dtype.
        padding: pixels added on every side.
        offsets: (2, B) integers in 0..2 padding, the top and left edge of each crop; an offset of `padding` is the
        unshifted image.
    """
    b, c, height, width = x.shape
    top, left = offsets
    rows = (top[:, None] + torch.arange(height, device=x.device))[:, None, :, None]
    columns = (left[:, None] + torch.arange(width, device=x.device))[:, None, None, :]
    image = torch.arange(b, device=x.device)[:, None, None, None]
    channel = torch.arange(c, device=x.device)[None, :, None, None]
    return F.pad(x, (padding,) * 4)[image, channel, rows, columns]


def flip(x: Tensor, mask: Tensor) -> Tensor:
    """Mirrors the images (B, C, H, W) horizontally where the mask (B,) is true."""
    return torch.where(mask[:, None, None, None], x.flip(-1), x)
