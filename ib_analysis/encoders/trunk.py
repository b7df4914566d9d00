"""Encoders whose taps are the keys of an ordered mapping of modules, the trunk."""

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
        """The selected channels of h."""
        return h[:, self.start : self.stop]


@dataclass(frozen=True)
class View:
    """A tap that is a function of the output of one module; no later module reads it."""

    of: str
    """Key of the module in the trunk."""
    read: Callable[[Tensor], Tensor]


class TrunkEncoder(Encoder):
    """An encoder that applies an ordered mapping name -> module in sequence to normalised pixels.

    `activations` is the only forward path and the taps are the keys of the trunk, so a tap always equals what the
    network computes. The last tap of a classifier is its logits; that of an autoencoder is its code, from which
    `mirror` computes the reconstruction. A subclass sets `trunk`, `mirror` and `taps`. Its modules may hold parallel
    streams, scales or quantizers, as long as each maps one tensor to one tensor. A tap that is a part of a tensor is
    declared in `views`.
    """

    trunk: nn.ModuleDict
    mirror: nn.Module | None

    def __init__(self, spec: EncoderSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        self.normalise = Normalise(image.channels, image.levels)
        self.views: dict[str, View] = {}

    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """The activations at the given taps, in network order; layers behind the last of them are not computed."""
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
        """Redraws every weight (see `layers.initialisation`)."""
        initialise(self, generator)

    def set_normalisation(self, mean: Tensor, std: Tensor) -> None:
        """Sets the mean and standard deviation of each channel of pixels scaled to [0, 1]."""
        self.normalise.set(mean, std)
