"""The layers of PixelCNN++ behind its stem as one operation, forward and backward, in C (`network_pass.c`).

It serves networks of few filters on a CPU in float32. Their layers take less time for their arithmetic than for the
dozen operations that each consists of, and a convolution of few channels reaches a third of the rate of a large one.
Here the products are written for few channels, weight norm and element-wise functions are part of a layer, and a pass
of any number of layers is one call.

The layers are not listed a second time: a pass is recorded by calling the network's own modules with a `RecordedMap` in
the place of a tensor. A recording serves all later passes of maps of the same shapes through the same layers.
"""

import math
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.module import _has_any_global_hook

from decoders.flat_parameters import vector_part
from decoders.pixelcnn_pp.causal_convolution import Transposed, WeightNormalizedConvolution
from decoders.pixelcnn_pp.fused_layers import CHANCES, chances_to_keep, runs_in_c
from decoders.pixelcnn_pp.native_code import addresses, call
from decoders.pixelcnn_pp.spec import passes_at_once

GATED, HALVED, DOUBLED = range(3)
NONE = -1  # a map that a layer does not have
# Gradients that a layer writes, and does not add to another's.
OF_X, OF_SKIP, OF_SECOND_SKIP, OF_S = 1, 2, 4, 8
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
    writes: int
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


@dataclass(eq=False)
class Recording:
    """The layers of a pass, and the maps and weights that they read and write.

    It holds shapes in place of maps, which hold the recording: a circle would keep the weights of a deleted decoder.
    """

    threads: int
    rows: list[LayerRow] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    inputs: int = 0
    result: int = NONE

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
            ValueError: the maps are not of the same images, or not of one size, or the layer is there already.
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
            ValueError: half a height or width is no whole number, or the layer is there already.
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
        if not {*map(id, weights)}.isdisjoint(map(id, self.weights)):
            raise ValueError(
                "a layer occurs twice in a pass: the gradient of its weights would be that of one place."
            )
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
        """A layer without skips, context and seeds, which writes no gradient."""
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
            writes=0,
            kept=chances_to_keep(dropout),
            seed=0,
            second_seed=0,
        )

    # What follows is of a whole recording, of which nothing changes any more.

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """The rows as C reads them, without seeds."""
        return np.array(rows_that_write(self.rows), np.int64)

    @cached_property
    def unread(self) -> frozenset[int]:
        """Maps that a layer may hand a gradient to and none reads: none writes it. That of the result is given."""
        handed = {*range(self.inputs), *(row.y for row in self.rows)} - {self.result}
        return frozenset(handed.difference(*map(maps_read, self.rows)))

    @cached_property
    def layers_with_dropout(self) -> list[int]:
        """Their places in the table."""
        return [i for i, row in enumerate(self.rows) if row.kept < CHANCES]

    def table_with_seeds(self) -> NDArray[np.int64]:
        """The table of one pass: two new seeds for each layer with dropout."""
        if not self.layers_with_dropout:
            return self.table
        table = self.table.copy()
        seeds = torch.randint(2**32, (len(self.layers_with_dropout), 2), device="cpu")
        table[self.layers_with_dropout, -2:] = seeds.numpy()
        return table

    @cached_property
    def apart(self) -> list[int]:
        """Maps that are tensors of their own: the inputs, and the result, which would keep the whole block alive."""
        return [*range(self.inputs), self.result]

    @cached_property
    def places_of_a_step(self) -> "Places":
        """Places of the maps where a gradient reads them."""
        return places_of_maps(self, self.apart, keeps_all=True)

    @cached_property
    def places_of_an_evaluation(self) -> "Places":
        """Places of the maps where none does."""
        return places_of_maps(self, self.apart, keeps_all=False)

    @cached_property
    def places_of_gradients(self) -> "Places":
        """Places of the gradients of the maps."""
        return places_of_gradients(self, self.apart)

    @cached_property
    def bytes_forward(self) -> int:
        """Memory for the maps of a group of images and for packed weights, of each thread."""
        return call("network_workspace", self.table, len(self.table), False)

    @cached_property
    def bytes_backward(self) -> int:
        """The same of the backward pass."""
        return call("network_workspace", self.table, len(self.table), True)


MOST_RECORDINGS = 8  # of one network: of steps, evaluations and a few sizes of batches
_recordings: WeakKeyDictionary[nn.Module, dict[Hashable, Recording]] = WeakKeyDictionary()


def run_pass(network: nn.Module, through: Callable[[list[Any]], Any], inputs: Sequence[Tensor]) -> Tensor:
    """Run a pass through layers: as one operation where that is faster, else operation by operation.

    Args:
        network: has all layers of the pass among its modules.
        through: the pass, from its inputs to its result, of tensors or of recorded maps. It depends on nothing but
            the network and the shapes of the inputs: of the network on its parameters, and on the mode and `dropout`
            of its modules. What else it reads (kernels, margins) is read once.
        inputs: maps (batch, channels, height, width).

    Returns:
        The result; channels last where it is one operation.

    Raises:
        ValueError: maps are not of the same images or do not fit together.
        TypeError: the layers are not in the precision or on the device of the maps.
    """
    key = key_of_pass(network, inputs)
    if key is None:
        return through(list(inputs))
    recording = recording_of(network, key, through, inputs)
    weights = WeightPlaces(recording.weights)
    tensors = [*inputs, *weights.holders]
    differentiates = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    y: Tensor = RecordedPass.apply(recording, weights, differentiates, *tensors)
    return y


def key_of_pass(network: nn.Module, maps: Sequence[Tensor]) -> Hashable | None:
    """What the recording of a pass depends on; None where the pass cannot be one operation.

    It cannot where the layers hold the weights of several members, or where a hook waits for what one of them reads or
    writes, as in an initialisation.
    """
    if (
        torch.is_autocast_enabled("cpu")
        or maps[0].dtype != torch.float32
        or maps[0].numel() == 0
        or not all(passes_at_once(m.shape[1]) for m in maps)
        or not runs_in_c(*maps)
    ):
        return None
    state = state_without_hooks(network)
    return None if state is None else (torch.get_num_threads(), *(m.shape for m in maps), *state)


def state_without_hooks(network: nn.Module) -> tuple[Hashable, ...] | None:
    """The parameters of a network by their identity, which of its modules train, and their dropout.

    None where there are hooks on a module, or no weight-normalised convolutions of one decoder.
    """
    modules, found, convolutions = [network], list[Hashable](), 0
    for module in modules:  # each step: `network.modules()` takes twice as long
        if (
            module._forward_hooks
            or module._forward_pre_hooks
            or module._backward_hooks
            or module._backward_pre_hooks
        ):
            return None
        convolutions += isinstance(module, WeightNormalizedConvolution)
        found += module.training, module.__dict__.get("dropout")
        found += map(id, module._parameters.values())
        modules += (child for child in module._modules.values() if child is not None)
    return None if convolutions == 0 or _has_any_global_hook() else tuple(found)


def recording_of(
    network: nn.Module, key: Hashable, through: Callable[[list[Any]], Any], inputs: Sequence[Tensor]
) -> Recording:
    """The kept recording of a pass, or a new one.

    A recording holds the weights that it reads, so that no other tensor can have the identity of one in its key.
    """
    kept = _recordings.setdefault(network, {})
    recording = kept.get(key)
    if recording is None:
        recording = Recording(torch.get_num_threads())
        recording.result = through([recording.add_input(m.shape) for m in inputs]).number
        of_parameters = all(isinstance(w, nn.Parameter) for w in recording.weights)
        if len(kept) >= MOST_RECORDINGS or any(
            not _have_same_weights(recording, other) for other in kept.values()
        ):
            kept.clear()
        if of_parameters:  # weights that are computed for each pass are others in the next
            kept[key] = recording
    return recording


def _have_same_weights(a: Recording, b: Recording) -> bool:
    return [*map(id, a.weights)] == [*map(id, b.weights)]


class WeightPlaces:
    """The tensors that hold the weights of a pass, and where each weight begins there.

    A weight is held by itself, or by the vector of which it is a part: then all have one gradient.

    Raises:
        TypeError: the weights are not in float32 on a CPU.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.holders: list[Tensor] = []
        numbers: dict[int, int] = {}
        places: list[tuple[int, int]] = []
        for w in weights:
            holder, begin = vector_part(w) or (w, 0)
            if id(holder) not in numbers:
                numbers[id(holder)] = len(self.holders)
                self.holders.append(holder)
            places.append((numbers[id(holder)], begin))
        self._holders, self._begins = np.array(places, np.int64).T
        for w in self.holders:
            if w.dtype != torch.float32 or w.device.type != "cpu":
                raise TypeError(f"maps in float32 on a CPU meet weights in {w.dtype} on {w.device}.")

    def addresses(self, holders: Sequence[Tensor]) -> NDArray[np.int64]:
        """Address of each weight in tensors like the holders."""
        return addresses(holders)[self._holders] + 4 * self._begins


class RecordedPass(torch.autograd.Function):
    """A recorded pass; its gradient computes the elu of each map again."""

    @staticmethod
    def forward(
        ctx: Any, recording: Recording, weights: WeightPlaces, differentiates: bool, *tensors: Tensor
    ) -> Tensor:
        """`tensors` are the inputs and the holders of the weights."""
        inputs = [channels_last(m) for m in tensors[: recording.inputs]]
        holders = [w.contiguous() for w in tensors[recording.inputs :]]
        table = recording.table_with_seeds()
        shape = recording.shapes[recording.result]
        y = torch.empty(shape, dtype=torch.float32, device="cpu", memory_format=torch.channels_last)
        places = recording.places_of_a_step if differentiates else recording.places_of_an_evaluation
        maps = torch.empty(places.size, dtype=torch.float32, device="cpu")
        call(
            "network_forward",
            table,
            len(table),
            addresses_of_maps(recording, [*inputs, y], maps, places),
            weights.addresses(holders),
            empty_bytes(recording.bytes_forward),
        )
        if differentiates:
            ctx.save_for_backward(maps, *inputs, *holders)
            ctx.settings = recording, weights, table
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the inputs and of the holders of the weights."""
        recording, weights, table = ctx.settings
        maps, *rest = ctx.saved_tensors
        inputs, holders = rest[: recording.inputs], rest[recording.inputs :]
        unread = recording.unread
        of_inputs = [
            torch.zeros_like(t) if i in unread else torch.empty_like(t) for i, t in enumerate(inputs)
        ]
        of_holders = [torch.zeros_like(t) for t in holders]
        places, of_places = recording.places_of_a_step, recording.places_of_gradients
        room = torch.zeros if unread.difference(range(recording.inputs)) else torch.empty
        of_maps = room(of_places.size, dtype=torch.float32, device="cpu")
        of_result = channels_last(gradients[0])
        call(
            "network_backward",
            table,
            len(table),
            # No layer reads the result: its address may be any.
            addresses_of_maps(recording, [*inputs, maps], maps, places),
            addresses_of_maps(recording, [*of_inputs, of_result], of_maps, of_places),
            weights.addresses(holders),
            weights.addresses(of_holders),
            empty_bytes(recording.bytes_backward),
        )
        return None, None, None, *of_inputs, *of_holders


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


def rows_that_write(rows: Sequence[LayerRow]) -> list[LayerRow]:
    """The rows, where each layer writes the gradients that the backward pass meets first there, and adds the others."""
    found, begun = list[LayerRow](), {NONE}
    for row in reversed(rows):
        writes = 0
        for bit, number in (
            (OF_S, row.s),
            (OF_SKIP, row.skip),
            (OF_SECOND_SKIP, row.second_skip),
            (OF_X, row.x),
        ):
            writes |= 0 if number in begun else bit
            begun.add(number)
        found.append(row._replace(writes=writes))
    return found[::-1]


def maps_read(row: LayerRow) -> set[int]:
    """Numbers of the maps that a layer reads."""
    return {row.x, row.skip, row.second_skip, row.s} - {NONE}


def room_of(shape: Shape) -> int:
    """Numbers from the begin of a map to the next."""
    return -(-math.prod(shape) // ALIGNMENT) * ALIGNMENT


def channels_last(x: Tensor) -> Tensor:
    """The map with the channels of each pixel contiguous."""
    return x.contiguous(memory_format=torch.channels_last)


def addresses_of_maps(
    recording: Recording, apart: Sequence[Tensor], block: Tensor, places: Places
) -> NDArray[np.int64]:
    """Addresses of all maps: of those that lie apart, in the order of `recording.apart`, and of those in the block."""
    found = places.begins * block.element_size() + block.data_ptr()
    found[recording.apart] = [tensor.data_ptr() for tensor in apart]
    return found


def empty_bytes(count: int) -> Tensor:
    """Memory with any content."""
    return torch.empty(count, dtype=torch.uint8, device="cpu")
