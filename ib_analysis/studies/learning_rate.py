"""The learning rate at which networks of one kind are reported: that which held-out images prefer."""

from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple, Protocol, TypeVar


class Tried(Protocol):
    """A row of a network that was trained at one of several learning rates."""

    @property
    def learning_rate(self) -> float:
        """The rate that it was trained with."""

    @property
    def validation_accuracy(self) -> float | None:
        """Accuracy on images that it neither learned from nor is judged by; None if it diverged."""


TOO_SMALL = 3
"""So many smallest rates that lose no network and at which none learns show that smaller ones do not train either."""
Network = TypeVar("Network", bound=Tried)
Kind = TypeVar("Kind", bound=Hashable)


def chosen_learning_rates(networks: Iterable[Network], kind: Callable[[Network], Kind]) -> dict[Kind, float]:
    """For each kind of network the rate of highest mean validation accuracy over its networks.

    A diverged network counts as 0. The first of the table wins ties.

    Args:
        networks: whole networks, each at one rate.
        kind: what shares a rate.
    """
    all_kinds = list(networks)
    return {one: _best(_scores(all_kinds, kind, one)) for one in dict.fromkeys(map(kind, all_kinds))}


def learns_at_some_rate(
    networks: Iterable[Network], kind: Callable[[Network], Kind], one: Kind, chance: float
) -> bool:
    """Whether at some tried rate the mean validation accuracy of one kind of network exceeds `chance`."""
    return any(score.mean > chance for score in _scores(networks, kind, one).values())


def end_of_the_tried(
    networks: Iterable[Network], kind: Callable[[Network], Kind], one: Kind, chance: float = 0.0
) -> float | None:
    """The chosen rate of one kind if it is the smallest or the largest of several, beyond which it may do better.

    Where no rate learns, the best of them is the best by chance. Then it is the smallest, unless the `TOO_SMALL`
    smallest ones lost no network, beside larger ones: they move too little, and there is none to try.

    Args:
        networks: whole networks, each at one rate, of this and other kinds.
        kind: what shares a rate.
        one: the kind.
        chance: a mean validation accuracy that networks which learned exceed.
    """
    scores = _scores(networks, kind, one)
    tried = sorted(scores)
    if not any(score.mean > chance for score in scores.values()):
        bracketed = len(tried) > TOO_SMALL and not any(scores[rate].lost for rate in tried[:TOO_SMALL])
        return None if bracketed else tried[0]
    if len(tried) == 1:
        return None
    chosen = _best(scores)
    return chosen if chosen in (tried[0], tried[-1]) else None


def rate_beyond(
    networks: Iterable[Network], kind: Callable[[Network], Kind], one: Kind, chance: float = 0.0
) -> float | None:
    """The rate to try next: beyond the end at which one kind of network is best, as far as the two last are apart.

    It is smaller than all tried ones where none of them learns. None if the best lies inside, if nothing smaller is
    left to try, or if one rate was tried. Arguments are those of `end_of_the_tried`.
    """
    of_kind = [network for network in networks if kind(network) == one]
    tried = sorted({network.learning_rate for network in of_kind})
    end = end_of_the_tried(of_kind, kind, one, chance)
    if end is None or len(tried) == 1:
        return None
    nearest = tried[1] if end == tried[0] else tried[-2]
    beyond = float(f"{end * end / nearest:.2g}")
    return None if beyond in tried else beyond


class _Score(NamedTuple):
    """Mean validation accuracy of the networks of one kind at one rate, and how many of them diverged."""

    mean: float
    lost: int


def _scores(networks: Iterable[Network], kind: Callable[[Network], Kind], one: Kind) -> dict[float, _Score]:
    found: dict[float, list[float | None]] = {}
    for network in networks:
        if kind(network) == one:
            found.setdefault(network.learning_rate, []).append(network.validation_accuracy)
    return {
        rate: _Score(sum(value or 0.0 for value in values) / len(values), values.count(None))
        for rate, values in found.items()
    }


def _best(scores: dict[float, _Score]) -> float:
    return max(scores, key=lambda rate: scores[rate].mean)
