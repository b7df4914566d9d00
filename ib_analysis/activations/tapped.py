"""The protocol of a network with named taps."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from torch import Tensor


class NamedShape(Protocol):
    """A tap: its name and the shape of one h."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102


class Tapped(Protocol):
    """A network with named taps; activations require nothing else of an encoder."""

    @property
    def taps(self) -> Sequence[NamedShape]: ...  # noqa: D102

    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]: ...  # noqa: D102

    def eval(self) -> Any: ...  # noqa: D102

    def to(self, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102
