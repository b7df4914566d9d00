"""Encoders whose taps are the keys of their trunk."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.layers.initialisation import initialise
from ib_analysis.encoders.layers.normalisation import Normalise
from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.training import Regime


@dataclass(frozen=True)
class Channels:
    """The channels start..stop-1 of (batch, C, H, W)."""

    start: int
    stop: int

    def __call__(self, h: Tensor) -> Tensor:
        """Those channels."""
        return h[:, self.start : self.stop]


@dataclass(frozen=True)
class View:
    """A tap that reads what a module of the trunk returned, and hands nothing on."""

    of: str
    """Key of the trunk."""
    read: Callable[[Tensor], Tensor]


class TrunkEncoder(Encoder):
    """An encoder that is an ordered mapping name -> module, run one after the other on normalised pixels.

    There is one forward path, `activations`, and the taps are the keys of the trunk, so a tap cannot drift
    from what the network computes. A classifier's last tap is its logits; an autoencoder's is its code,
    which `mirror` turns into the reconstruction. A family fills `trunk`, `mirror` and `taps`, and is done;
    its modules may hold streams side by side, scales, or quantizers, so long as each takes one tensor and
    returns one. Part of a tensor is a tap by `views`: such a tap reads the output of a key.
    """

    trunk: nn.ModuleDict
    mirror: nn.Module | None

    def __init__(self, spec: EncoderSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        self.normalise = Normalise(image.channels, image.levels)
        self.views: dict[str, View] = {}

    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """The activations at those taps, in network order; computes no further than the last of them."""
        wanted = self.in_network_order(taps)
        keys = {self.views[name].of if name in self.views else name for name in wanted}
        h, found = self.normalise(x), dict[str, Tensor]()
        for name, module in self.trunk.items():
            if len(found) == len(keys):
                break
            h = module(h)
            if name in keys:
                found[name] = h
        return {name: self._read(name, found) for name in wanted}

    def _read(self, tap: str, found: dict[str, Tensor]) -> Tensor:
        view = self.views.get(tap)
        return found[tap] if view is None else view.read(found[view.of])

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
