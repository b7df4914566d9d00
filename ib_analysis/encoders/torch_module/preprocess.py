"""What the network wants of an image, computed inside the encoder."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.specs.torch_module import PreprocessSpec
from ib_analysis.errors import UserError


class Preprocess(nn.Module):
    """Scales, makes grey images RGB, resizes and normalises, in this order.

    >>> wanted = PreprocessSpec(grey_to_rgb=True, mean=(0.5,) * 3, std=(0.5,) * 3, resize=(2, 2))
    >>> x = torch.full((1, 1, 4, 4), 255, dtype=torch.uint8)
    >>> Preprocess(wanted, ImageShape(channels=1, height=4, width=4, levels=256))(x).flatten().tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, spec: PreprocessSpec, image: ImageShape) -> None:
        super().__init__()
        if spec.grey_to_rgb and image.channels != 1:
            raise UserError(f"preprocess.grey_to_rgb: the images have {image.channels} channels, not one.")
        self.spec, self.channels = spec, 3 if spec.grey_to_rgb else image.channels
        self.factor = 1.0 if spec.scale == "levels" else 1 / (image.levels - 1)
        self.register_buffer("mean", self._by_channel("mean", spec.mean or (0.0,)), persistent=False)
        self.register_buffer("std", self._by_channel("std", spec.std or (1.0,)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, C, H, W), uint8 or float levels, as float32 (n, C', H', W')."""
        pixels = x.float() * self.factor
        if self.spec.grey_to_rgb:
            pixels = pixels.expand(-1, 3, -1, -1)
        if self.spec.resize is not None:
            pixels = interpolate(pixels, self.spec.resize, mode="bilinear", antialias=True)
        return (pixels - self.mean) / self.std

    def _by_channel(self, name: str, values: Sequence[float]) -> Tensor:
        if len(values) not in (1, self.channels):
            raise UserError(
                f"preprocess.{name} holds {len(values)} numbers: give one number, or one for each of the "
                f"{self.channels} channels."
            )
        return torch.tensor(values)[:, None, None]
