"""The interface of every decoder: a conditional density q(target | h)."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel
from torch import Generator, Tensor, nn

from decoders.errors import ContextError


class Density(ABC):
    """A normalised distribution over targets, one for each row of h (or a single one where h is None)."""

    @abstractmethod
    def log_prob(self, target: Tensor) -> Tensor:
        """Log-probability of each example, shape (batch,), in **nats per example**, normalised, float32 or wider."""

    @abstractmethod
    def sample(self, generator: Generator, count: int = 1) -> Tensor:
        """Independent draws, shape (count, batch, *target); batch is 1 where h is None."""


class Decoder(nn.Module, ABC):
    """A family of densities with parameters: `decoder(h)` is q(. | h), `decoder(None)` is q(.).

    A decoder is built as `Class(spec, target, context)`: `target` is the shape of one target (with the
    number of levels or classes), `context` the shape of one h without the batch: (D,), (C, H, W), or None
    for an unconditional decoder. It is the same class in all three cases.
    """

    Spec: ClassVar[type[BaseModel]]

    @abstractmethod
    def forward(self, h: Tensor | None) -> Density:
        """q(. | h) for h of shape (batch, *context); what depends on h alone is computed here, once."""

    @abstractmethod
    def initialise(self, target: Tensor, h: Tensor | None) -> None:
        """Data-dependent initialization from one large batch of the fitting data (also standardises h)."""

    def start_from(self, other: "Decoder") -> None:
        """Take over the weights of a fitted decoder of the same size; `initialise` then leaves them alone.

        The other is unconditional (a trunk), or reads an h of the same shape (the same tap at another epoch).

        Raises:
            ContextError: this kind of decoder cannot, or the two differ in more than what reads h.
        """
        raise ContextError(f"{type(self).__name__} cannot start from another decoder: fit it from scratch")

    def taken_over(self) -> list[nn.Parameter]:
        """The weights that `start_from` took over: a fit moves them more slowly than those that are new."""
        return []

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """{"implementation": "package.module:Class", "spec": {...}, "target": {...}, "context": [...] | None}."""
