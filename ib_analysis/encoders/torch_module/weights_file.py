"""Weights from a file, by their names, without executing anything from it."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from decoders.training.failures import reading
from ib_analysis.errors import UserError

INSIDE = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts put the weights, beside the optimizer's state."""
COMPILED, PARALLEL = "_orig_mod.", "module."
"""What torch.compile and DataParallel put before the names."""
SHOWN = 5
REMEDY = (
    "load it where you trust it, and save model.state_dict() by torch.save or safetensors.torch.save_file."
)


def load_weights(network: nn.Module, path: Path) -> None:
    """Give the network the weights of the file, all of them and no others.

    Raises:
        UserError: the file is missing, needs a pickle, or names other weights than the network has.
    """
    weights = without_prefixes(read_weights(path), network.state_dict())
    _check(network, weights, path)
    network.load_state_dict(weights, strict=False)  # `_check` is strict, and knows tied weights


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file of safetensors, or of one that `torch.save` wrote, by their names."""
    if not path.is_file():
        raise UserError(f"{path} is missing: correct checkpoints, or put the file there.")
    with reading(path, "is truncated or no file of weights", REMEDY, UserError):
        content = load_file(path) if path.suffix == ".safetensors" else _load_torch(path)
    for key in INSIDE:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path} holds no mapping of names to tensors: save model.state_dict() alone.")
    return dict(content)


def _load_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError("it needs a pickle, which may execute code and is not read") from None


def without_prefixes(weights: Mapping[str, Tensor], own: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights without what DataParallel and torch.compile put before the names.

    >>> list(without_prefixes({"_orig_mod.module.fc.bias": torch.zeros(1)}, {"fc.bias": None}))
    ['fc.bias']
    """
    names = {name.replace(COMPILED, ""): name for name in own}
    plain = {name.replace(COMPILED, ""): value for name, value in weights.items()}
    while plain and all(name.startswith(PARALLEL) for name in plain) and not set(plain) & set(names):
        plain = {name.removeprefix(PARALLEL): value for name, value in plain.items()}
    return {names.get(name, name): value for name, value in plain.items()}


def _check(network: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    own = network.state_dict()
    given = {own[name].data_ptr() for name in weights if name in own and own[name].numel()}
    missing = [name for name in own if name not in weights and own[name].data_ptr() not in given]
    unexpected = [name for name in weights if name not in own]
    other = [
        f"{name} {tuple(value.shape)} for {tuple(own[name].shape)}"
        for name, value in weights.items()
        if name in own and own[name].shape != value.shape
    ]
    mistakes = [
        f"{what} {_listed(names)}"
        for what, names in (("lacks", missing), ("has besides", unexpected), ("has another shape of", other))
        if names
    ]
    if mistakes:
        raise UserError(f"{path} does not hold the weights of the network: it {' and '.join(mistakes)}.")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
