"""The identity encoder, h = x: a control whose CE(x | h) must approach 0."""

from collections.abc import Collection

import torch
from torch import Tensor

from ib_analysis.encoders.encoder import Encoder, ImageShape, Tap
from ib_analysis.encoders.specs.identity import IdentitySpec
from ib_analysis.encoders.specs.training import Regime


class Identity(Encoder):
    """Tap `image` is the image with its levels scaled to [-1, 1], shape (C, H, W); it has no parameters.

    >>> image = ImageShape(channels=1, height=1, width=3, levels=3)
    >>> identity = Identity(IdentitySpec(), "fixed", image, 2)
    >>> identity(torch.tensor([[[[0, 1, 2]]]], dtype=torch.uint8)).flatten().tolist()
    [-1.0, 0.0, 1.0]
    """

    Spec = IdentitySpec

    def __init__(self, spec: IdentitySpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        self.taps = (Tap("image", (image.channels, image.height, image.width)),)

    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """The scaled image."""
        return {name: self(x) for name in self.in_network_order(taps)}

    def forward(self, x: Tensor) -> Tensor:
        """Levels 0..levels-1 as -1..1."""
        return x.float() * (2 / (self.image.levels - 1)) - 1

    def initialise(self, generator: torch.Generator) -> None:
        """Does nothing: there are no weights."""

    def set_normalisation(self, mean: Tensor, std: Tensor) -> None:
        """Does nothing: the scaling to [-1, 1] depends only on the number of levels."""
