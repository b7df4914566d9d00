"""Encoders whose taps are the keys of their trunk."""

from collections.abc import Collection

import torch
from torch import Tensor, nn

from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.initialisation import initialise
from ib_analysis.encoders.normalisation import Normalise
from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.training import Regime


class TrunkEncoder(Encoder):
    """An encoder that is an ordered mapping name -> module, run one after the other on normalised pixels.

    There is one forward path, `activations`, and the taps are the keys of the trunk, so a tap cannot drift
    from what the network computes. A classifier's last tap is its logits; an autoencoder's is its code,
    which `mirror` turns into the reconstruction. A family fills `trunk`, `mirror` and `taps`, and is done;
    its modules may hold streams side by side, scales, or quantizers, so long as each takes one tensor and
    returns one.
    """

    trunk: nn.ModuleDict
    mirror: nn.Module | None

    def __init__(self, spec: EncoderSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        self.normalise = Normalise(image.channels, image.levels)

    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """The activations at those taps, in network order; computes no further than the last of them."""
        wanted = self.in_network_order(taps)
        h, found = self.normalise(x), dict[str, Tensor]()
        for name, module in self.trunk.items():
            if len(found) == len(wanted):
                break
            h = module(h)
            if name in wanted:
                found[name] = h
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits (batch, classes), or the reconstruction in [0, 1] (batch, C, H, W) of an autoencoder."""
        last = self.taps[-1].name
        h = self.activations(x, (last,))[last]
        return h if self.mirror is None else self.mirror(h)

    def initialise(self, generator: torch.Generator) -> None:
        """Draws every weight anew (see `initialisation`)."""
        initialise(self, generator)

    def set_normalisation(self, mean: Tensor, std: Tensor) -> None:
        """Sets the mean and standard deviation of each channel of pixels scaled to [0, 1]."""
        self.normalise.set(mean, std)
