"""The layers of PixelCNN++ behind its stem as one operation, forward and backward, in C (`network_pass.c`).

It serves networks of few filters on a CPU in float32. Their layers take less time for their arithmetic than for the
dozen operations that each consists of, and a convolution of few channels reaches a third of the rate of a large one.
Here the products are written for few channels, weight norm and element-wise functions are part of a layer, and a pass
of any number of layers is one call.

The layers are not listed a second time: a pass is recorded by calling the network's own modules with a `RecordedMap` in
the place of a tensor.
"""

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.module import _has_any_global_hook

from decoders.pixelcnn_pp.causal_convolution import Transposed, WeightNormalizedConvolution
from decoders.pixelcnn_pp.fused_layers import CHANCES, chances_to_keep, runs_in_c
from decoders.pixelcnn_pp.native_code import addresses, call
from decoders.pixelcnn_pp.spec import passes_at_once

GATED, HALVED, DOUBLED = range(3)
NONE = -1  # a map that a layer does not have
ALIGNMENT = 16  # numbers; a map begins at a multiple of 64 bytes


class LayerRow(NamedTuple):
    """A layer as C reads it: its sizes, and the numbers of its maps and of its first weight."""

    kind: int
    batch: int
    filters: int
    height: int
    width: int
    skips: int
    context: int
    rows: int
    columns: int
    left: int
    right: int
    above: int
    below: int
    threads: int
    x: int
    skip: int
    second_skip: int
    s: int
    c: int
    gated: int
    y: int
    weights: int
    kept: int
    seed: int
    second_seed: int


Shape = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class RecordedMap:
    """A map of a recorded pass, (batch, channels, height, width), in the place of a tensor."""

    recording: "Recording"
    number: int
    shape: Shape


Map = TypeVar("Map", Tensor, RecordedMap)  # of a pass that is run, or recorded


@dataclass
class Recording:
    """The layers of a pass, and the maps and weights that they read and write.

    It holds shapes in place of maps, which hold the recording: a circle would keep the weights of a deleted decoder.
    """

    threads: int
    rows: list[LayerRow] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    inputs: int = 0

    def add_input(self, shape: Sequence[int]) -> RecordedMap:
        """A map that is given; all are added before the first layer."""
        self.inputs += 1
        return self._add_map(*shape)

    def add_gated(
        self,
        layers: Sequence[WeightNormalizedConvolution],
        context_weights: Tensor | None,
        dropout: float,
        x: RecordedMap,
        skips: Sequence[RecordedMap],
        s: RecordedMap | None,
    ) -> RecordedMap:
        """A gated layer: its two convolutions, and the one of the skips where there are any.

        Raises:
            ValueError: the maps are not of the same images, or not of one size.
        """
        batch, filters, height, width = x.shape
        for m in (*skips, *([] if s is None else [s])):
            if (m.shape[0], *m.shape[2:]) != (batch, height, width):
                raise ValueError(f"a layer reads maps of one batch and size, not {x.shape} and {m.shape}.")
        first = len(self.weights)
        for layer in layers:
            self._add_weights(layer.direction, layer.gain, layer.bias)
        if context_weights is not None:
            self._add_weights(context_weights)
        c, gated = self._add_map(*x.shape), self._add_map(batch, 2 * filters, height, width)
        y = self._add_map(*x.shape)
        first_skip, second_skip = (*(skip.number for skip in skips), NONE, NONE)[:2]
        row = self._row(GATED, layers[0], x, y, first, dropout)._replace(
            skips=len(skips), skip=first_skip, second_skip=second_skip, c=c.number, gated=gated.number
        )
        if s is not None and context_weights is not None:
            row = row._replace(context=s.shape[1], s=s.number)
        self.rows.append(row)
        return y

    def add_scale(self, layer: WeightNormalizedConvolution, x: RecordedMap) -> RecordedMap:
        """A convolution to half the height and width, or a transposed one to twice.

        Raises:
            ValueError: half a height or width is no whole number.
        """
        batch, filters, height, width = x.shape
        doubles = isinstance(layer, Transposed)
        if not doubles and (height % 2 or width % 2):
            raise ValueError(f"a map of {height}x{width} has no half: its sides are not even.")
        size = (2 * height, 2 * width) if doubles else (height // 2, width // 2)
        first = len(self.weights)
        self._add_weights(layer.direction, layer.gain, layer.bias)
        y = self._add_map(batch, filters, *size)
        self.rows.append(self._row(DOUBLED if doubles else HALVED, layer, x, y, first, 0.0))
        return y

    def _add_map(self, *shape: int) -> RecordedMap:
        batch, channels, height, width = shape
        self.shapes.append((batch, channels, height, width))
        return RecordedMap(self, len(self.shapes) - 1, self.shapes[-1])

    def _add_weights(self, *weights: Tensor) -> None:
        for w in weights:
            if w.dtype != torch.float32 or w.device.type != "cpu":
                raise TypeError(f"maps in float32 on a CPU meet weights in {w.dtype} on {w.device}.")
        self.weights += weights

    def _row(
        self,
        kind: int,
        layer: WeightNormalizedConvolution,
        x: RecordedMap,
        y: RecordedMap,
        weights: int,
        dropout: float,
    ) -> LayerRow:
        """A layer without skips and context."""
        kept = chances_to_keep(dropout)
        seed, second_seed = torch.randint(2**32, (2,), device="cpu").tolist() if kept < CHANCES else (0, 0)
        batch, filters, height, width = x.shape
        rows, columns = layer.kernel
        return LayerRow(
            kind=kind,
            batch=batch,
            filters=filters,
            height=height,
            width=width,
            skips=0,
            context=0,
            rows=rows,
            columns=columns,
            left=layer.margin.left,
            right=layer.margin.right,
            above=layer.margin.above,
            below=layer.margin.below,
            threads=min(self.threads, batch),
            x=x.number,
            skip=NONE,
            second_skip=NONE,
            s=NONE,
            c=NONE,
            gated=NONE,
            y=y.number,
            weights=weights,
            kept=kept,
            seed=seed,
            second_seed=second_seed,
        )


def is_recordable(network: nn.Module, maps: Sequence[Tensor]) -> bool:
    """Whether the pass of a network, or of a part of one, from these maps can be one operation.

    It cannot where the layers hold the weights of several members, or where a hook waits for what one of them reads or
    writes, as in an initialisation.
    """
    return (
        not torch.is_autocast_enabled("cpu")
        and maps[0].dtype == torch.float32
        and maps[0].numel() > 0
        and all(passes_at_once(m.shape[1]) for m in maps)
        and runs_in_c(*maps)
        and has_layers_without_hooks(network)
    )


def has_layers_without_hooks(network: nn.Module) -> bool:
    """Whether there are weight-normalised convolutions, those of one decoder, and no hooks on any module."""
    modules, convolutions = [network], 0
    for module in modules:  # each step: `network.modules()` takes twice as long
        if (
            module._forward_hooks
            or module._forward_pre_hooks
            or module._backward_hooks
            or module._backward_pre_hooks
        ):
            return False
        convolutions += isinstance(module, WeightNormalizedConvolution)
        modules += (child for child in module._modules.values() if child is not None)
    return convolutions > 0 and not _has_any_global_hook()


def run_recorded(record: Callable[[list[RecordedMap]], RecordedMap], inputs: Sequence[Tensor]) -> Tensor:
    """Record a pass and run it.

    Args:
        record: the pass, from its inputs to its result.
        inputs: maps (batch, channels, height, width), float32 on a CPU.

    Returns:
        The result, channels last.
    """
    recording = Recording(torch.get_num_threads())
    result = record([recording.add_input(m.shape) for m in inputs])
    tensors = [*inputs, *recording.weights]
    differentiates = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    y: Tensor = RecordedPass.apply(recording, result.number, differentiates, *tensors)
    return y


class RecordedPass(torch.autograd.Function):
    """A recorded pass; its gradient computes the elu of each map again."""

    @staticmethod
    def forward(
        ctx: Any, recording: Recording, result: int, differentiates: bool, *tensors: Tensor
    ) -> Tensor:
        """`tensors` are the inputs and the weights."""
        inputs = [channels_last(m) for m in tensors[: recording.inputs]]
        weights = [w.contiguous() for w in tensors[recording.inputs :]]
        rows = np.array(recording.rows, np.int64)
        # The result is a tensor of its own: as a part of the block it would keep all maps after an evaluation.
        shape = recording.shapes[result]
        y = torch.empty(shape, dtype=torch.float32, device="cpu", memory_format=torch.channels_last)
        apart = dict(enumerate(inputs)) | {result: y}
        places = places_of_maps(recording, apart, keeps_all=differentiates)
        maps = torch.empty(places.size, dtype=torch.float32, device="cpu")
        tables = addresses_of_maps(apart, maps, places), addresses(weights)
        call("network_forward", rows, len(rows), *tables, workspace(rows, backward=False))
        if differentiates:
            ctx.save_for_backward(maps, *inputs, *weights)
            ctx.settings = recording, rows, places, result
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the inputs and of the weights."""
        recording, rows, places, result = ctx.settings
        maps, *rest = ctx.saved_tensors
        inputs, weights = rest[: recording.inputs], rest[recording.inputs :]
        of_inputs = [torch.zeros_like(m) for m in inputs]
        of_weights = [torch.empty_like(w) for w in weights]
        apart = dict(enumerate(of_inputs)) | {result: channels_last(gradients[0])}
        of_places = places_of_gradients(recording, apart)
        of_maps = torch.zeros(of_places.size, dtype=torch.float32, device="cpu")
        call(
            "network_backward",
            rows,
            len(rows),
            addresses_of_maps(dict(enumerate(inputs)), maps, places),
            addresses_of_maps(apart, of_maps, of_places),
            addresses(weights),
            addresses(of_weights),
            workspace(rows, backward=True),
        )
        return None, None, None, *of_inputs, *of_weights


class Places(NamedTuple):
    """Where each map of a pass begins in one block of `size` numbers; those that lie apart have no place."""

    begins: NDArray[np.int64]
    size: int


def places_of_maps(recording: Recording, apart: Container[int], *, keeps_all: bool) -> Places:
    """Place the maps: each for itself where a gradient reads them, else over one that is read no more."""
    begins, size = np.zeros(len(recording.shapes), np.int64), 0
    last_readers = {number: i for i, row in enumerate(recording.rows) for number in maps_read(row)}
    free: dict[int, list[int]] = {}
    for i, row in enumerate(recording.rows):
        inner = {row.c, row.gated} - {NONE}
        for number in (m for m in (*inner, row.y) if m not in apart):
            room = room_of(recording.shapes[number])
            if free.get(room):
                begins[number] = free[room].pop()
            else:
                begins[number], size = size, size + room
        if not keeps_all:
            ended = {m for m in maps_read(row) if last_readers[m] == i and m not in apart}
            for number in inner | ended:
                free.setdefault(room_of(recording.shapes[number]), []).append(int(begins[number]))
    return Places(begins, size)


def places_of_gradients(recording: Recording, apart: Container[int]) -> Places:
    """Place the gradients of the maps that layers hand on; what is inside a layer has none."""
    begins, size = np.zeros(len(recording.shapes), np.int64), 0
    for number in (row.y for row in recording.rows if row.y not in apart):
        begins[number], size = size, size + room_of(recording.shapes[number])
    return Places(begins, size)


def maps_read(row: LayerRow) -> set[int]:
    """Numbers of the maps that a layer reads."""
    return {row.x, row.skip, row.second_skip, row.s} - {NONE}


def room_of(shape: Shape) -> int:
    """Numbers from the begin of a map to the next."""
    return -(-math.prod(shape) // ALIGNMENT) * ALIGNMENT


def channels_last(x: Tensor) -> Tensor:
    """The map with the channels of each pixel contiguous."""
    return x.contiguous(memory_format=torch.channels_last)


def addresses_of_maps(apart: Mapping[int, Tensor], block: Tensor, places: Places) -> NDArray[np.int64]:
    """Addresses of all maps: of those that lie apart, and of those in the block."""
    found = places.begins * block.element_size() + block.data_ptr()
    for number, tensor in apart.items():
        found[number] = tensor.data_ptr()
    return found


def workspace(rows: NDArray[np.int64], *, backward: bool) -> Tensor:
    """Memory for the maps of a group of images and for packed weights, of each thread."""
    size = call("network_workspace", rows, len(rows), backward)
    return torch.empty(size, dtype=torch.uint8, device="cpu")
