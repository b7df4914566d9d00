"""Networks that are only objects: known by a digest of their weights, their settings and the code of their classes."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import nn

from ib_analysis.errors import UserError
from ib_analysis.own_modules import OBJECT

_OFFERED: dict[str, nn.Module] = {}
"""The objects that a running analysis offers, by the `build` under which its stages find them."""
INSTALLED = ("torch", "torchvision", "timm", "builtins")
"""Packages whose code is known by its version."""


@contextmanager
def offered(network: nn.Module, *, weights_count: bool) -> Iterator[str]:
    """The `build` under which the stages of this process find the network until the block ends.

    Its weights do not count where files take their place: a script may build it with others each time.
    """
    digest = digest_of_network(network, weights_count=weights_count)
    name = f"{OBJECT}{type(network).__name__}-{digest}"
    _OFFERED[name] = network
    try:
        yield name
    finally:
        _OFFERED.pop(name, None)


def taken_network(build: str) -> nn.Module:
    """A copy of the offered network, in evaluation mode and without gradients.

    Raises:
        UserError: no running analysis offers it.
    """
    if build not in _OFFERED:
        raise UserError(
            f"build {build}: this network was an object, so that only `analyse` has it: call it again."
        )
    return copied_network(_OFFERED[build]).eval().requires_grad_(False)


def copied_network(network: nn.Module) -> nn.Module:
    """A copy on the CPU; the network itself stays as it is.

    Raises:
        UserError: it cannot be copied.
    """
    try:
        return deepcopy(network).cpu()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UserError(
            f"{type(network).__name__} cannot be copied by copy.deepcopy ({reason}): give the module without what "
            "cannot, such as open files and tensors that carry a graph."
        ) from error


def digest_of_network(network: nn.Module, *, weights_count: bool = True) -> str:
    """Digest of weights, buffers, settings and code: what h depends on.

    Code is that of the classes of all modules, and of all functions and classes that these name, as far as they do not
    belong to an installed package of `INSTALLED`. Where weights do not count, all that a file of weights holds is left
    out.
    """
    digest = hashlib.sha256(repr(network).encode())
    replaced = set() if weights_count else {*network.state_dict()}
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if name in replaced:
            continue
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)}".encode())
        digest.update(
            plain.view(torch.uint8).numpy().tobytes() if plain.numel() and plain.ndim else str(plain).encode()
        )
    known: set[Any] = set()
    texts: list[str] = []
    for name, module in network.named_modules():
        digest.update(f"{name} {sorted(_settings(module))}".encode())
        _add_code(type(module), known, texts)
        for value in vars(module).values():
            _add_code(value, known, texts)
    for text in sorted(texts):
        digest.update(text.encode())
    return digest.hexdigest()[:16]


def _settings(module: nn.Module) -> Iterator[str]:
    """Plain attributes, which a forward pass may read; the mode does not count, for it is forced."""
    for name, value in vars(module).items():
        if name != "training" and isinstance(value, int | float | str | bool | tuple | list | None):
            yield f"{name}={value!r}"


def _add_code(value: Any, known: set[Any], texts: list[str]) -> None:
    """Add the code of a class or function and of all that it names, each once."""
    if not isinstance(value, type | FunctionType) or value in known or _is_installed(value):
        return
    known.add(value)
    texts.append(_text(value))
    if isinstance(value, type):
        for base in value.__bases__:
            _add_code(base, known, texts)
        members = [member for member in vars(value).values() if isinstance(member, FunctionType)]
    else:
        members = [value]
    for function in members:
        for name in _names(function.__code__):
            _add_code(function.__globals__.get(name), known, texts)


def _is_installed(value: type | Callable[..., Any]) -> bool:
    package = (value.__module__ or "").partition(".")[0]
    return package in INSTALLED or package in sys.stdlib_module_names


def _names(code: CodeType) -> set[str]:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)


def _text(value: type | FunctionType) -> str:
    """The source; where there is none, as at a prompt, the compiled code."""
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        functions = [value] if isinstance(value, FunctionType) else vars(value).values()
        codes = [f.__code__ for f in functions if isinstance(f, FunctionType)]
        return "\n".join(map(_compiled, codes))


def _compiled(code: CodeType) -> str:
    constants = [_compiled(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_name} {code.co_code.hex()} {code.co_names} {constants}"
