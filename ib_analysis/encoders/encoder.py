"""The interface of every network under study."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from ib_analysis.datasets.dataset import Header
from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.errors import UserError
from ib_analysis.spec import Spec


class ImageShape(Spec):
    """Shape of the images that an encoder reads: integer levels 0..levels-1, (channels, height, width)."""

    channels: int = Field(ge=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    levels: int = Field(ge=2, le=256)

    @classmethod
    def of(cls, header: Header) -> Self:
        """The shape of the images of a prepared data set."""
        return cls(channels=header.channels, height=header.height, width=header.width, levels=header.levels)


@dataclass(frozen=True)
class Tap:
    """A named place in the network where h is read."""

    name: str
    shape: tuple[int, ...]
    """Shape of one h without the batch: (C, H, W) or (D,)."""


class Encoder(nn.Module, ABC):
    """A network that reads uint8 images (batch, C, H, W) and offers named taps in network order.

    Every encoder is built as `Class(spec, regime, image, classes)`, with the same weights each time;
    `initialise` draws them anew from a generator. Whatever h depends on (weights, running statistics, pixel
    normalisation) is in its `state_dict`.
    """

    Spec: ClassVar[type[EncoderSpec]]
    taps: tuple[Tap, ...]

    def __init__(self, spec: EncoderSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__()
        if regime not in spec.regimes:
            raise UserError(
                f"{spec.implementation} has no regime {regime!r}: choose from {', '.join(spec.regimes)}"
            )
        self.spec, self.regime, self.image, self.classes = spec, regime, image, classes

    @abstractmethod
    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """The activations at the given taps, in network order; layers behind the last of them are not computed.

        Raises:
            UserError: the encoder has no such tap.
        """

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Logits (batch, classes), or the reconstruction in [0, 1] (batch, C, H, W) of an autoencoder."""

    @abstractmethod
    def initialise(self, generator: torch.Generator) -> None:
        """Draws every weight anew, from the generator alone; the encoder lies on the generator's device."""

    @abstractmethod
    def set_normalisation(self, mean: Tensor, std: Tensor) -> None:
        """Sets the mean and standard deviation of each channel, (C,) each, of pixels scaled to [0, 1]."""

    def in_network_order(self, taps: Collection[str]) -> tuple[str, ...]:
        """The given taps in network order, each once; an unknown tap raises UserError."""
        names = [tap.name for tap in self.taps]
        for tap in taps:
            if tap not in names:
                raise UserError(f"{type(self).__name__} has no tap {tap!r}: choose from {', '.join(names)}")
        return tuple(name for name in names if name in taps)

    def description(self) -> dict[str, Any]:
        """Arguments from which this encoder is rebuilt: implementation, spec, regime, image, classes."""
        return {
            **self.spec.described(),
            "regime": self.regime,
            "image": self.image.model_dump(mode="json"),
            "classes": self.classes,
        }
