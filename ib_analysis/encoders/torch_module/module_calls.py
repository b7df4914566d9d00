"""Every call of every module in one forward pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ib_analysis.errors import UserError


@dataclass(frozen=True)
class Call:
    """One call of one module."""

    name: str
    """Name of the module; the network itself has the empty name."""
    number: int
    """Which call of this module it is, from 1 on."""
    began: int
    ended: int
    """Positions among all beginnings and ends of calls."""
    inputs: Any
    """Arguments, as `keep` kept them: the positional ones, then the named ones."""
    output: Any


@contextmanager
def hooks() -> Iterator[list[Any]]:
    """A list of handles of hooks, which are all taken off at the end, whatever happens."""
    handles: list[Any] = []
    try:
        yield handles
    finally:
        for handle in handles:
            handle.remove()


def explain_failure(network: nn.Module, x: Tensor, error: Exception) -> UserError:
    """The sentence for an error that the network's own forward pass raises."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    return UserError(
        f"the forward pass of {type(network).__name__} fails on a batch of shape {tuple(x.shape)} ({reason}): check "
        "arguments and preprocess"
    )


@torch.no_grad()
def watch(network: nn.Module, x: Tensor, keep: Callable[[Any], Any]) -> list[Call]:
    """All calls of one forward pass in the order of their ends; `keep` maps inputs and outputs to what is kept.

    Raises:
        UserError: the forward pass fails.
    """
    names = {module: name for name, module in network.named_modules()}
    calls: list[Call] = []
    running: list[tuple[int, Any]] = []
    counts: dict[str, int] = {}
    clock = iter(range(1 << 62))

    def begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        running.append((next(clock), keep((*args, *kwargs.values()))))

    def end(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        began, inputs = running.pop()
        name = names[module]
        counts[name] = counts.get(name, 0) + 1
        calls.append(Call(name, counts[name], began, next(clock), inputs, keep(output)))

    with hooks() as handles:
        for module in names:
            handles.append(module.register_forward_pre_hook(begin, with_kwargs=True))
            handles.append(module.register_forward_hook(end))
        try:
            network(x)
        except Exception as error:
            raise explain_failure(network, x, error) from error
    return calls


def shape_text(value: Any) -> str:
    """Shapes of all tensors in a value, with the batch axis as n.

    >>> shape_text((torch.zeros(2, 8, 4, 4), {"a": torch.zeros(2, 3)}))
    '(n x 8 x 4 x 4, {a: n x 3})'
    """
    if isinstance(value, Tensor):
        return " x ".join(("n", *map(str, value.shape[1:]))) if value.ndim else "a number"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shape_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "(" + ", ".join(map(shape_text, value)) + ")"
    return type(value).__name__


def copied(value: Any) -> Any:
    """A copy of all tensors in a value, so that a later operation in place does not change it."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(map(copied, value))
    return value


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in a value, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from tensors(item)


TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""Relative differences of two passes that are rounding; 1e-3 for every other type."""


def agree(first: Any, second: Any) -> bool:
    """Whether all tensors of two values agree up to rounding, relative to the largest entry."""
    pairs = list(zip(tensors(first), tensors(second)))
    return all(_agree(a, b) for a, b in pairs)


def _agree(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape:
        return False
    if not (a.is_floating_point() or a.is_complex()):
        return torch.equal(a, b)
    first, second = (value.to(torch.complex64 if a.is_complex() else torch.float32) for value in (a, b))
    largest = first.abs().nan_to_num(0).max().item() if a.numel() else 0.0
    bound = TOLERANCE.get(a.dtype, 1e-3) * largest
    return torch.allclose(first, second, rtol=0, atol=bound, equal_nan=True)
