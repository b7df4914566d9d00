"""Checks that h is a function of its own image alone, and names the module that makes it another."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn

from ib_analysis.encoders.torch_module.module_calls import Call, agree, copied, tensors, watch
from ib_analysis.errors import UserError

SEED = 0
IMAGES = 4
"""Images of the batch in which h is compared."""

T = TypeVar("T")
Read = Callable[[Tensor], dict[str, Tensor]]


def demand_deterministic(network: nn.Module, read: Read, x: Tensor) -> None:
    """Two passes over the same images give the same h.

    Raises:
        UserError: they do not; the module that draws noise is named.
    """
    if (tap := _first_difference(read(x), read(x))) is not None:
        culprit = _culprit(watch(network, x, copied), watch(network, x, copied), len(x))
        raise UserError(
            f"h at tap {tap} differs between two passes over the same images, because of {culprit(network)}: remove "
            "the noise, or say deliberate_noise: true."
        )


def demand_independent_of_batch(network: nn.Module, read: Read, x: Tensor, others: Tensor) -> None:
    """h of the images is the same in the company of others; where there is noise, both passes draw the same.

    Args:
        network: the network in evaluation mode.
        read: gives h at the taps.
        x: images as the network wants them.
        others: as many other images.

    Raises:
        UserError: it is not; the module that mixes the images of a batch is named.
    """
    half = len(x) // 2
    mixed = torch.cat([x[:half], others[half:]])
    alone, company = (_top(_with_same_noise(partial(read, batch)), half) for batch in (x, mixed))
    if (tap := _first_difference(alone, company)) is not None:
        first, second = (_with_same_noise(partial(watch, network, batch, copied)) for batch in (x, mixed))
        culprit = _culprit(first, second, half)
        raise UserError(
            f"h of an image at tap {tap} depends on which other images are in the batch, because of "
            f"{culprit(network)}: give the network running statistics, or another normalisation."
        )


def _with_same_noise(compute: Callable[[], T]) -> T:
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        return compute()


def _top(h: dict[str, Tensor], rows: int) -> dict[str, Tensor]:
    return {name: value[:rows] for name, value in h.items()}


def _first_difference(first: dict[str, Tensor], second: dict[str, Tensor]) -> str | None:
    return next((name for name in first if not agree(first[name], second[name])), None)


def _culprit(first: list[Call], second: list[Call], rows: int) -> Callable[[nn.Module], str]:
    """The innermost module whose inputs agree in both passes while its output does not."""

    def same(a: object, b: object) -> bool:
        pairs = list(zip(tensors(a), tensors(b)))
        return all(agree(p[:rows], q[:rows]) if p.ndim else agree(p, q) for p, q in pairs)

    for a, b in zip(first, second):
        if same(a.inputs, b.inputs) and not same(a.output, b.output):
            return lambda network: (
                f"module {a.name} ({_kind(network, a.name)})" if a.name else _itself(network)
            )
    return _itself


def _kind(network: nn.Module, name: str) -> str:
    return type(network.get_submodule(name)).__name__


def _itself(network: nn.Module) -> str:
    return f"the forward pass of {type(network).__name__} itself"
