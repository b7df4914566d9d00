"""Reads h at the names of modules, by hooks that hold only during the forward pass."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from ib_analysis.encoders.specs.module_tap import ModuleTap
from ib_analysis.encoders.torch_module.module_calls import (
    Call,
    copied,
    explain_failure,
    hooks,
    shape_text,
    watch,
)
from ib_analysis.errors import UserError


class _DeepestReachedError(BaseException):
    """Ends the forward pass; no `except Exception` of the network can swallow it."""


class TapReader:
    """The taps of one network in the order of its forward pass.

    One pass over `example`, images as the network wants them, checks every name: the module exists, is reached, is told
    apart from its other calls, and gives an h.

    Raises:
        UserError: a name is unknown, ambiguous, never reached, or gives no h.
    """

    def __init__(self, network: nn.Module, taps: Mapping[str, str], example: Tensor, listing: str) -> None:
        self.network, self.listing = network, listing
        self.modules = dict(network.named_modules(remove_duplicate=False))
        self.taps = {name: ModuleTap.parse(place) for name, place in taps.items()}
        self.places = dict(taps)
        calls = watch(network, example, copied)
        position = {name: self._check(name, calls, len(example)) for name in taps}
        self.names = tuple(sorted(taps, key=lambda name: position[name]))
        self.shapes = {name: tuple(h.shape[1:]) for name, h in self.read(example, self.names).items()}

    def read(self, x: Tensor, taps: Collection[str], *, detach: bool = True) -> dict[str, Tensor]:
        """h at the taps, float32, in network order; the forward pass ends behind the deepest of them.

        Raises:
            UserError: the forward pass fails, or does not reach a tap.
        """
        wanted = [name for name in self.names if name in taps]
        found: dict[str, Tensor] = {}

        def keep(name: str, value: Any) -> None:
            tensor = _item(self.places[name], value, self.taps[name].items)
            # A later module may work in place on what this one returned.
            found[name] = as_h(
                self.places[name], tensor.detach().clone() if detach else tensor.clone(), len(x)
            )
            if len(found) == len(wanted):
                raise _DeepestReachedError

        with hooks() as handles:
            for name in wanted:
                handles.append(self._hook(name, keep))
            try:
                self.network(x)
            except _DeepestReachedError:
                pass
            except UserError:
                raise
            except Exception as error:
                raise explain_failure(self.network, x, error) from error
        for name in wanted:
            if name not in found:
                raise UserError(
                    f"tap {self.places[name]}: the forward pass never reached it on these images."
                )
        return {name: found[name] for name in wanted}

    def _hook(self, name: str, keep: Any) -> Any:
        tap = self.taps[name]
        module, number = self.modules[tap.module], tap.call or 1
        calls = iter(range(1, 1 << 62))

        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if next(calls) == number:
                keep(name, _arguments(args, kwargs))

        def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if next(calls) == number:
                keep(name, output)

        if tap.of_input:
            return module.register_forward_pre_hook(before, with_kwargs=True)
        return module.register_forward_hook(after)

    def _check(self, name: str, calls: Sequence[Call], images: int) -> int:
        """The position of a tap in the forward pass."""
        place, tap = self.places[name], self.taps[name]
        if tap.module not in self.modules:
            raise UserError(f"tap {place}: {self._unknown(tap.module)}")
        module = self.modules[tap.module]
        own = [call for call in calls if self.modules[call.name] is module]
        if not own:
            container = isinstance(module, nn.ModuleList | nn.ModuleDict)
            why = (
                f"a {type(module).__name__} is not called itself, name one of its members"
                if container
                else ("name a module that is called")
            )
            raise UserError(
                f"tap {place}: the forward pass never calls {tap.module}: {why} ({self.listing} lists them)."
            )
        if tap.call is None and len(own) > 1:
            listed = ", ".join(f"{tap.module}@{call.number} gives {shape_text(call.output)}" for call in own)
            raise UserError(
                f"tap {place}: {tap.module} is called {len(own)} times, name one of them: {listed}."
            )
        number = tap.call or 1
        if number > len(own):
            raise UserError(f"tap {place}: {tap.module} is called {len(own)} times in a forward pass.")
        return own[number - 1].began if tap.of_input else own[number - 1].ended

    def _unknown(self, module: str) -> str:
        names = [name for name in self.modules if name]
        near = get_close_matches(module, names, n=3, cutoff=0.0)
        return f"the network has no module {module}; the nearest are {', '.join(near)}; {self.listing} lists all."


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The only argument, or all of them: positional ones by number, named ones by name."""
    if len(args) == 1 and not any(isinstance(value, Tensor) for value in kwargs.values()):
        return args[0]
    if not args and len(kwargs) == 1:
        return next(iter(kwargs.values()))
    return {str(i): value for i, value in enumerate(args)} | kwargs


def _item(place: str, value: Any, items: Sequence[str]) -> Tensor:
    """The tensor that the items lead to."""
    for item in items:
        value = _step(place, value, item)
    if isinstance(value, Tensor):
        return value
    if choices := _choices(value):
        examples = ", ".join(f"{place}[{choice}]" for choice in choices)
        raise UserError(f"tap {place}: it is {shape_text(value)}: name one of {examples}.")
    raise UserError(f"tap {place}: it is a {type(value).__name__}, not a tensor: name another module.")


def _step(place: str, value: Any, item: str) -> Any:
    choices = _choices(value)
    if item not in choices:
        there = f"there are {', '.join(choices)}" if choices else "it has no items"
        raise UserError(f"tap {place}: there is no item [{item}]; {there}.")
    if isinstance(value, Mapping):
        return next(inner for key, inner in value.items() if str(key) == item)
    return value[int(item)]


def _choices(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [str(key) for key in value]
    return [str(i) for i in range(len(value))] if isinstance(value, list | tuple) else []


def as_h(place: str, value: Tensor, images: int) -> Tensor:
    """An output as h: (n, d) and (n, c, h, w) as they are, tokens (n, t, d) as maps (n, d, 1, t) of one row; float32.

    >>> as_h("blocks", torch.zeros(2, 5, 8), 2).shape
    torch.Size([2, 8, 1, 5])

    Raises:
        UserError: it is complex or integer, its first axis is not the batch, or it has another number of axes.
    """
    if not value.is_floating_point():
        raise UserError(
            f"tap {place}: its values are {_type(value)}: h must be real, name a module with a real output."
        )
    if value.ndim == 0 or len(value) != images:
        shape = tuple(value.shape)
        raise UserError(
            f"tap {place}: shape {shape} does not begin with the batch of {images}: name another module."
        )
    if value.ndim == 1:
        value = value[:, None]
    elif value.ndim == 3:
        value = value.transpose(1, 2)[:, :, None]
    elif value.ndim not in (2, 4):
        raise UserError(
            f"tap {place}: shape {tuple(value.shape)} has {value.ndim} axes: h must be (n, d), (n, t, d) or "
            "(n, c, h, w)."
        )
    return value.float().contiguous()


def _type(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def type_of_weights(network: nn.Module) -> torch.dtype:
    """The type of the first floating-point weight, in which the network reads images; float32 where it has none."""
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.is_floating_point():
            return tensor.dtype
    return torch.float32
