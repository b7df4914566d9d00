"""A fixed encoder whose information is known: it keeps the top rows of the image."""

from collections.abc import Collection

import torch
from torch import Tensor

from ib_analysis.encoders.encoder import Encoder, ImageShape, Tap
from ib_analysis.encoders.specs.kept_rows import KeptRowsSpec
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.errors import UserError


class KeptRows(Encoder):
    """Tap `rows<t>` is the image with all but its top t rows masked, shape (C + 1, H, W).

    Levels are scaled to [-1, 1], masked pixels are 0, and the last channel is 1 where a row is kept. The map has the
    size of the image, so each kept pixel is at its own position. The encoder has no parameters and is never trained.
    h determines the kept rows and nothing else: where the entropy of these rows is known, I(x; h) is known.

    >>> image = ImageShape(channels=1, height=4, width=3, levels=256)
    >>> h = KeptRows(KeptRowsSpec(rows=(1, 2)), "fixed", image, 2)
    >>> h.activations(torch.full((1, 1, 4, 3), 255, dtype=torch.uint8), ["rows1"])["rows1"][0, 0, :2].tolist()
    [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    """

    Spec = KeptRowsSpec

    def __init__(self, spec: KeptRowsSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        if spec.rows[-1] > image.height:
            raise UserError(f"rows asks for {spec.rows[-1]} rows of images of {image.height}: lower it")
        shape = image.channels + 1, image.height, image.width
        self.kept = {f"rows{t}": t for t in spec.rows}
        self.taps = tuple(Tap(name, shape) for name in self.kept)

    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """The top rows of uint8 images (batch, C, H, W), the others masked."""
        pixels = x.float() * (2 / (self.image.levels - 1)) - 1
        shown = torch.cat([pixels, torch.ones_like(pixels[:, :1])], 1)
        below = torch.arange(self.image.height, device=x.device)[:, None]
        return {name: shown * (below < self.kept[name]) for name in self.in_network_order(taps)}

    def forward(self, x: Tensor) -> Tensor:
        """The rows of the last tap; this encoder neither classifies nor reconstructs."""
        last = self.taps[-1].name
        return self.activations(x, (last,))[last]

    def initialise(self, generator: torch.Generator) -> None:
        """Does nothing: there are no weights."""

    def set_normalisation(self, mean: Tensor, std: Tensor) -> None:
        """Does nothing: the scaling to [-1, 1] depends only on the number of levels."""
