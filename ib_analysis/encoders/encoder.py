"""The interface of every network under study."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from ib_analysis.spec import Spec


@dataclass(frozen=True)
class Tap:
    """A named place in the network where h is read."""

    name: str
    shape: tuple[int, ...]
    """Shape of one h without the batch: (C, H, W) or (D,)."""


class Encoder(nn.Module, ABC):
    """A network that reads uint8 images (batch, C, H, W) and offers named taps in network order.

    The trunk is an ordered mapping name -> module and the taps are its keys: there is one forward path, so a
    tap cannot drift from what the network computes. Normalisation of the pixels is the first thing it does.
    """

    Spec: ClassVar[type[Spec]]
    taps: tuple[Tap, ...]

    @abstractmethod
    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """The activations at those taps, in network order; computes no further than the last of them."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Logits (batch, classes), or the reconstruction in [0, 1] (batch, C, H, W) of an autoencoder."""
