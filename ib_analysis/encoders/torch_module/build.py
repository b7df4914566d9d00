"""Builds a network by the class or function that a configuration names."""

import inspect
import sysconfig
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import torch
from torch import nn

from ib_analysis.encoders.torch_module.objects import taken_network
from ib_analysis.errors import UserError
from ib_analysis.own_modules import OBJECT


def build_network(build: str, arguments: Mapping[str, Any]) -> nn.Module:
    """The network in evaluation mode, without what torch.compile or DataParallel wrapped around it.

    Its random initial weights are the same each time.

    Raises:
        UserError: the name does not lead to a network, or building it fails.
    """
    if build.startswith(OBJECT):
        return taken_network(build)
    make = _named(build)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = make(**arguments)
    except Exception as error:
        raise UserError(f"build {build}({_text(arguments)}) fails ({_reason(error)}).") from error
    if not isinstance(network, nn.Module):
        raise UserError(f"build {build} gives a {type(network).__name__}: it must give a torch.nn.Module.")
    network = unwrapped(network)
    for module in network.modules():
        module._compiled_call_impl = None  # set by Module.compile()
    return network.eval().requires_grad_(False)


def unwrapped(network: nn.Module) -> nn.Module:
    """The network inside DataParallel and torch.compile, whose hooks would not be called or be called by copies.

    Raises:
        UserError: it is a scripted module.
    """
    while True:
        if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
            network = network.module
        elif isinstance(inner := getattr(network, "_orig_mod", None), nn.Module):
            network = inner
        else:
            break
    if isinstance(network, torch.jit.ScriptModule):
        raise UserError(
            f"{type(network).__name__} is a scripted module, which takes no hooks: give the Python class itself."
        )
    return network


def _named(build: str) -> Callable[..., Any]:
    module_name, name = build.split(":")
    module = _module(module_name, build)
    if not hasattr(module, name):
        near = get_close_matches(name, [n for n in vars(module) if not n.startswith("_")], n=3, cutoff=0.0)
        raise UserError(f"build {build}: {module_name} has no {name}; the nearest are {', '.join(near)}.")
    found = getattr(module, name)
    if not _builds_a_network(found):
        raise UserError(
            f"build {build} is neither a subclass of torch.nn.Module, nor a function of the working folder, nor "
            "annotated to return a module: it is not called."
        )
    make: Callable[..., Any] = found
    return make


def _module(name: str, build: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UserError(
                f"build {build}: there is no module {error.name}; start from the folder that holds it ({Path.cwd()})."
            ) from None
        raise UserError(f"build {build}: importing {name} fails ({_reason(error)}).") from error
    except Exception as error:
        raise UserError(f"build {build}: importing {name} fails ({_reason(error)}).") from error


def _builds_a_network(found: Any) -> bool:
    """Whether calling it is safe; a checkpoint names what is called, and must not name just anything."""
    if isinstance(found, type):
        return issubclass(found, nn.Module)
    if not inspect.isfunction(found):
        return False
    return _is_own(Path(inspect.getfile(found)).resolve()) or _is_said_to_give_a_module(found)


def _is_own(file: Path) -> bool:
    installed = (Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib"))
    return file.is_relative_to(Path.cwd().resolve()) and not any(
        file.is_relative_to(path) for path in installed
    )


def _is_said_to_give_a_module(function: Callable[..., Any]) -> bool:
    try:
        given = get_type_hints(function).get("return")
    except Exception:  # an annotation that cannot be resolved says nothing
        return False
    return isinstance(given, type) and issubclass(given, nn.Module)


def _text(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
