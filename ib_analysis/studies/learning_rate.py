"""The learning rate at which networks of one kind are reported: that which held-out images prefer."""

from collections.abc import Callable, Hashable, Iterable
from typing import Protocol, TypeVar


class Tried(Protocol):
    """A row of a network that was trained at one of several learning rates."""

    @property
    def learning_rate(self) -> float:
        """The rate that it was trained with."""

    @property
    def validation_accuracy(self) -> float | None:
        """Accuracy on images that it neither learned from nor is judged by; None if it diverged."""


Network = TypeVar("Network", bound=Tried)
Kind = TypeVar("Kind", bound=Hashable)


def chosen_learning_rates(networks: Iterable[Network], kind: Callable[[Network], Kind]) -> dict[Kind, float]:
    """For each kind of network the rate of highest mean validation accuracy over its networks.

    A diverged network counts as 0. The first of the table wins ties.

    Args:
        networks: whole networks, each at one rate.
        kind: what shares a rate.
    """
    found: dict[Kind, dict[float, list[float]]] = {}
    for network in networks:
        of_rate = found.setdefault(kind(network), {}).setdefault(network.learning_rate, [])
        of_rate.append(network.validation_accuracy or 0.0)
    means = {one: {rate: sum(v) / len(v) for rate, v in rates.items()} for one, rates in found.items()}
    return {one: max(rates, key=rates.__getitem__) for one, rates in means.items()}


def end_of_the_tried(networks: Iterable[Network], kind: Callable[[Network], Kind], one: Kind) -> float | None:
    """The chosen rate of one kind if it is the smallest or the largest of several, beyond which it may do better."""
    of_kind = [network for network in networks if kind(network) == one]
    tried = sorted({network.learning_rate for network in of_kind})
    if len(tried) == 1:
        return None
    chosen = chosen_learning_rates(of_kind, kind)[one]
    return chosen if chosen in (tried[0], tried[-1]) else None


def rate_beyond(networks: Iterable[Network], kind: Callable[[Network], Kind], one: Kind) -> float | None:
    """The rate to try next: beyond the end at which one kind of network is best, as far as the two last are apart.

    It is smaller than all tried ones if every network diverged. None if the best lies inside, or if one rate was tried.
    """
    of_kind = [network for network in networks if kind(network) == one]
    tried = sorted({network.learning_rate for network in of_kind})
    lost = all(network.validation_accuracy is None for network in of_kind)
    end = tried[0] if lost else end_of_the_tried(of_kind, kind, one)
    if end is None or len(tried) == 1:
        return None
    nearest = tried[1] if end == tried[0] else tried[-2]
    return float(f"{end * end / nearest:.2g}")
