"""python -m ib_analysis taps my_nets:resnet18 --shape 3x32x32: every place in a network where h can be read."""

import json
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence

import torch
from tabulate import tabulate
from torch import nn

from ib_analysis.encoders.torch_module.build import build_network
from ib_analysis.encoders.torch_module.module_calls import Call, copied, shape_text, watch
from ib_analysis.encoders.torch_module.tap_reader import type_of_weights
from ib_analysis.errors import UserError

HEADINGS = ("position", "name", "calls", "output", "module")
NOTE = (
    "n is the batch. A tap is a name above, name:input for what the module is given,\n"
    "name[0] or name[key] for an item of an output."
)


def main(arguments: Sequence[str]) -> None:
    """Print the table.

    Raises:
        UserError: the network cannot be built, or does not accept images of this shape.
    """
    parser = ArgumentParser(prog="python -m ib_analysis taps", description=__doc__)
    parser.add_argument("build", help="what builds the network, as my_nets:resnet18")
    parser.add_argument("--shape", required=True, help="what the network reads: channels x height x width")
    parser.add_argument("--arguments", default="{}", help="keyword arguments of build, as JSON")
    options = parser.parse_args(arguments)
    network = build_network(_build(options.build), _arguments(options.arguments))
    print(listed(network, _shape(options.shape)))


def listed(network: nn.Module, shape: tuple[int, ...]) -> str:
    """The table as text, for images of that shape (channels, height, width)."""
    return f"{tabulate(list(rows(network, shape)), HEADINGS, disable_numparse=True)}\n{NOTE}"


def rows(network: nn.Module, shape: tuple[int, ...]) -> Iterator[tuple[str, ...]]:
    """A row a call of a module in the order of the forward pass, then a row for each module that it never calls."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((2, *shape), generator=generator).to(type_of_weights(network))
    calls = [call for call in watch(network, x, copied) if call.name]
    often = [call.name for call in calls]
    for position, call in enumerate(calls, 1):
        kind = type(network.get_submodule(call.name)).__name__
        count = often.count(call.name)
        yield str(position), _tap(call, count), str(count), shape_text(call.output), kind
    for name, module in network.named_modules():
        if name and name not in often:
            yield "", name, "0", "never called", type(module).__name__


def _tap(call: Call, count: int) -> str:
    return call.name if count == 1 else f"{call.name}@{call.number}"


def _build(text: str) -> str:
    if not re.fullmatch(r"[\w.]+:\w+", text):
        raise UserError(f"{text!r} is no network: write module:name, as my_nets:resnet18.")
    return text


def _shape(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", text):
        raise UserError(f"--shape {text!r}: write channels x height x width, as 3x32x32.")
    return tuple(map(int, text.split("x")))


def _arguments(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"--arguments is not valid JSON: {error}.") from None
    if not isinstance(found, dict):
        raise UserError('--arguments must be a JSON object, as {"num_classes": 10}.')
    return found
