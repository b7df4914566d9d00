"""The address of every number: one network, one epoch, one tap.

Each artefact carries the address of what it holds, and a reader takes it from there, never from a path.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Self

Target = Literal["image", "label"]
"""What a decoder predicts, and what an information is about."""


class Network(NamedTuple):
    """One trained network: an architecture by its name, trained in one regime from one seed."""

    encoder: str
    regime: str
    seed: int

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """The network of a record that holds `encoder`, `regime` and `seed` among others.

        >>> Network.of({"encoder": "resnet10", "regime": "classifier", "seed": "0", "loss": 0.1})
        Network(encoder='resnet10', regime='classifier', seed=0)
        """
        return cls(str(record["encoder"]), str(record["regime"]), int(record["seed"]))

    def at(self, epoch: int, tap: str) -> "Point":
        """The point of this network at one checkpoint and tap."""
        return Point(*self, epoch, tap)


class Point(NamedTuple):
    """One tap of one network at one checkpoint; `epoch` 0 is the untrained network."""

    encoder: str
    regime: str
    seed: int
    epoch: int
    tap: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """The point of a record that holds its five parts among others.

        >>> Point.of({"encoder": "e", "regime": "fixed", "seed": 0, "epoch": 0, "tap": "h1", "bits": 2.0}).network
        Network(encoder='e', regime='fixed', seed=0)
        """
        return cls(*Network.of(record), int(record["epoch"]), str(record["tap"]))

    @property
    def network(self) -> Network:
        """The network that the point belongs to."""
        return Network(self.encoder, self.regime, self.seed)

    @property
    def label(self) -> str:
        """The point in words, for progress bars and messages.

        >>> Point("resnet10", "classifier", 0, 40, "h1").label
        'resnet10 classifier seed 0 epoch 40 h1'
        """
        return f"{self.encoder} {self.regime} seed {self.seed} epoch {self.epoch} {self.tap}"
