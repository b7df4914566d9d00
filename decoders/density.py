"""Interface of every decoder: a conditional density q(target | h)."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel
from torch import Generator, Tensor, nn

from decoders.errors import ContextError


class Density(ABC):
    """Normalised distributions over targets: one for each row of h, or a single one where h is None."""

    @abstractmethod
    def log_prob(self, target: Tensor) -> Tensor:
        """Log-probability of each example, shape (batch,), in **nats per example**, normalised, float32 or wider."""

    @abstractmethod
    def sample(self, generator: Generator, count: int = 1) -> Tensor:
        """Independent draws, shape (count, batch, *target); batch is 1 where h is None."""


class Decoder(nn.Module, ABC):
    """A parametric family of densities: `decoder(h)` is q(. | h), `decoder(None)` is q(.).

    A decoder is built as `Class(spec, target, context)`. `target` is the shape of one target, with the number of
    levels or classes. `context` is the shape of one h without the batch: (D,) or (C, H, W), or None for an
    unconditional decoder of the same class.
    """

    Spec: ClassVar[type[BaseModel]]

    @abstractmethod
    def forward(self, h: Tensor | None) -> Density:
        """q(. | h) for h of shape (batch, *context). Everything that depends on h alone is computed here, once."""

    @abstractmethod
    def initialise(self, target: Tensor, h: Tensor | None, batch_size: int = 1) -> None:
        """Initialise from one large batch of the fitting data, which also sets the standardisation of h.

        A gradient step of `batch_size` examples follows: where it takes more memory than the budget of
        decoders/memory.py, the initialisation may take as much.
        """

    def start_from(self, other: "Decoder") -> None:
        """Copy the weights of a fitted decoder of the same size; `initialise` leaves these weights unchanged.

        The other decoder is unconditional (the pretrained decoder), or reads an h of the same shape (the same tap at
        another epoch).

        Raises:
            ContextError: this class has no warm start, or the two differ in more than the layers that read h.
        """
        raise ContextError(f"{type(self).__name__} cannot start from another decoder: fit it from scratch")

    def pretrained_parameters(self) -> list[nn.Parameter]:
        """The weights that `start_from` copied; a fit multiplies their learning rate by `pretrained_rate`."""
        return []

    @property
    @abstractmethod
    def bytes_per_example(self) -> int:
        """Memory that one example takes in a pass without gradients."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """{"implementation": "package.module:Class", "spec": {...}, "target": {...}, "context": [...] | None}."""
