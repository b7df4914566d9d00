"""Parameters as parts of one vector, so that an optimizer or an average does one operation in the place of hundreds.

A small decoder has some 200 parameters of a few hundred numbers each. On a CPU an operation on each of them takes
longer than their arithmetic.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

ALIGNMENT = 16  # numbers; a parameter begins at a multiple of 64 bytes
# Numbers of a vector that an operation reads as one: its gradient is as long, however few of the parameters it reads.
MOST_AS_ONE = 2**20
_PART = "_vector_part"  # of a parameter


def flatten(parameters: Sequence[nn.Parameter]) -> nn.Parameter:
    """Move parameters into one vector, in their order.

    They keep their values and shapes, and become views: whatever changes the vector changes them. Between two of them
    the vector may hold zeros that belong to none.

    Args:
        parameters: of one dtype and device.

    Raises:
        ValueError: they are not.

    >>> layer = nn.Linear(2, 1)
    >>> vector = flatten(list(layer.parameters()))
    >>> vector.data.fill_(3.0)[:2].tolist(), layer.weight.tolist()
    ([3.0, 3.0], [[3.0, 3.0]])
    """
    kinds = {(parameter.dtype, parameter.device) for parameter in parameters}
    if len(kinds) > 1:
        raise ValueError(f"parameters of one vector are of one dtype and device, not of {len(kinds)}")
    size = sum(_room(parameter) for parameter in parameters)
    vector = nn.Parameter(parameters[0].detach().new_zeros(size), parameters[0].requires_grad)
    for parameter, part in zip(parameters, _parts(vector.detach(), parameters), strict=True):
        parameter.data = part.copy_(parameter.detach())
    return vector


class VectorPart(NamedTuple):
    """Where a parameter begins in its vector."""

    vector: nn.Parameter
    begin: int


def flatten_gradients(
    parameters: Sequence[nn.Parameter], vector: nn.Parameter, *, as_one: bool = True
) -> None:
    """Give the vector of `flatten` a gradient of 0, of which those of the parameters are views.

    They stay so while gradients are set to zero in place, and never to None.

    Args:
        parameters: those of the vector, in the order of `flatten`.
        vector: what `flatten` returned.
        as_one: an operation that reads many of the parameters may read the vector in their place (`vector_part`), so
            that its gradient comes as one, if the vector is short. Hooks on the parameters and `torch.autograd.grad`
            then miss it, and autograd does not notice when a parameter is changed between a pass and its gradient.

    >>> layer = nn.Linear(2, 1)
    >>> vector = flatten(list(layer.parameters()))
    >>> flatten_gradients(list(layer.parameters()), vector)
    >>> layer(torch.tensor([3.0, 4.0])).backward()
    >>> vector.grad[:2].tolist(), float(vector.grad[ALIGNMENT])
    ([3.0, 4.0], 1.0)
    """
    vector.grad = torch.zeros_like(vector)
    for parameter, part in zip(parameters, _parts(vector.grad, parameters), strict=True):
        parameter.grad = part
        if as_one and vector.numel() <= MOST_AS_ONE:
            setattr(parameter, _PART, VectorPart(vector, int(part.storage_offset())))


def read_apart(parameters: Iterable[nn.Parameter]) -> None:
    """Let every operation read these parameters themselves again, as after a fit."""
    for parameter in parameters:
        if hasattr(parameter, _PART):
            delattr(parameter, _PART)


def vector_part(parameter: Tensor) -> VectorPart | None:
    """The vector that an operation may read in the place of a parameter; None where there is none.

    None too for a parameter that has left its vector since, as `nn.Module.double` lets it, whose gradient is no view
    any more, or which takes none.

    >>> layer = nn.Linear(2, 1)
    >>> vector = flatten(list(layer.parameters()))
    >>> flatten_gradients(list(layer.parameters()), vector)
    >>> vector_part(layer.bias).begin, vector_part(layer.double().bias)
    (16, None)
    """
    part: VectorPart | None = getattr(parameter, _PART, None)
    if part is None:
        return None
    vector, grad = part.vector, parameter.grad
    if vector.grad is None or grad is None or not parameter.requires_grad:
        return None
    skipped = part.begin * vector.element_size()
    is_view = parameter.data_ptr() == vector.data_ptr() + skipped
    return part if is_view and grad.data_ptr() == vector.grad.data_ptr() + skipped else None


def _parts(vector: Tensor, parameters: Sequence[nn.Parameter]) -> Iterator[Tensor]:
    begin = 0
    for parameter in parameters:
        yield vector[begin : begin + parameter.numel()].view(parameter.shape)
        begin += _room(parameter)


def _room(parameter: nn.Parameter) -> int:
    return -(-parameter.numel() // ALIGNMENT) * ALIGNMENT
