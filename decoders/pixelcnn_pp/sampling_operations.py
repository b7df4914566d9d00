"""Operations of the cached sampler for a row or a pixel, each bound to its buffers.

A call runs the operation in torch. On a CPU in float32 a sequence of operations becomes one call of C
(`sampling_operations.c`): for one pixel the overhead of a torch call exceeds its few thousand multiplications, and
torch packs the same weights in every call. Both agree within rounding.
"""

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from decoders.pixelcnn_pp.native_code import compiled_layers

Program = list[Callable[[], Any]]
LANES, PANEL = 16, 64
PRODUCT, CONCAT_ELU, ELU, GATE, DRAW = range(5)


class Record(ctypes.Structure):
    """An operation as C reads it; a stride separates vectors of features, a group stride separates images."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("kind", "groups", "rows", "inputs", "outputs")),
        *((name, ctypes.c_void_p) for name in ("known", "x", "weight", "out")),
        *(
            (name, ctypes.c_int64)
            for name in ("known_stride", "x_stride", "out_stride", "known_group", "x_group", "out_group")
        ),
        *((name, ctypes.c_float) for name in ("middle", "top")),
    )


class SamplingOperation(ABC):
    """One operation on buffers (images, features) or (images, columns, features) with contiguous features."""

    @abstractmethod
    def __call__(self) -> None:
        """Run it in torch operations."""

    @abstractmethod
    def tensors(self) -> tuple[Tensor, ...]:
        """Every buffer that it reads or writes."""

    @abstractmethod
    def records(self, packed: dict[int, Tensor]) -> list[Record]:
        """The operation as records for C; `packed` caches packed weights by their address."""

    def runs_in_c(self) -> bool:
        """Whether the C functions can read the buffers."""
        return all(
            x.device.type == "cpu" and x.dtype == torch.float32 and x.stride(-1) == 1 for x in self.tensors()
        )


class Product(SamplingOperation):
    """out = known + x weight, with known (rows, outputs) or (outputs,); known may be out."""

    def __init__(self, known: Tensor, x: Tensor, weight: Tensor, out: Tensor) -> None:
        self.known, self.x, self.weight, self.out = known, x, weight, out

    def __call__(self) -> None:
        """Run it in torch operations."""
        torch.addmm(self.known, self.x, self.weight, out=self.out)

    def tensors(self) -> tuple[Tensor, ...]:
        """Every buffer that it reads or writes."""
        return self.known, self.x, self.weight, self.out

    def records(self, packed: dict[int, Tensor]) -> list[Record]:
        """The operation as records for C."""
        address = self.weight.data_ptr()
        if address not in packed:
            packed[address] = pack_panels(self.weight)
        weight = packed[address]
        return [
            record(
                PRODUCT,
                self.x,
                self.out,
                self.weight.shape[0],
                self.weight.shape[1],
                known=self.known,
                weight=weight,
            )
        ]


class BatchedProduct(SamplingOperation):
    """`Product` for several weights at once: known and x (n, images, ...), weight (n, inputs, outputs)."""

    def __init__(self, known: Tensor, x: Tensor, weight: Tensor, out: Tensor) -> None:
        self.known, self.x, self.weight, self.out = known, x, weight, out
        self.parts = [Product(*tensors) for tensors in zip(known, x, weight, out, strict=True)]

    def __call__(self) -> None:
        """Run it in torch operations."""
        torch.baddbmm(self.known, self.x, self.weight, out=self.out)

    def tensors(self) -> tuple[Tensor, ...]:
        """Every buffer that it reads or writes."""
        return tuple(x for part in self.parts for x in part.tensors())

    def records(self, packed: dict[int, Tensor]) -> list[Record]:
        """The operation as records for C."""
        return [record for part in self.parts for record in part.records(packed)]


class ConcatElu(SamplingOperation):
    """out = elu([x, -x])."""

    def __init__(self, x: Tensor, out: Tensor) -> None:
        self.x, self.out = x, out
        self.both = out.unflatten(-1, (2, x.shape[-1]))
        self.signs = x.new_tensor([[1.0], [-1.0]])

    def __call__(self) -> None:
        """Run it in torch operations."""
        torch.mul(self.x.unsqueeze(-2), self.signs, out=self.both)
        F.elu_(self.both)

    def tensors(self) -> tuple[Tensor, ...]:
        """Every buffer that it reads or writes."""
        return self.x, self.out

    def records(self, packed: dict[int, Tensor]) -> list[Record]:
        """The operation as records for C."""
        return [record(CONCAT_ELU, self.x, self.out, self.x.shape[-1], self.out.shape[-1])]


class Elu(SamplingOperation):
    """out = elu(x)."""

    def __init__(self, x: Tensor, out: Tensor) -> None:
        self.x, self.out = x, out

    def __call__(self) -> None:
        """Run it in torch operations."""
        F.elu_(self.out.copy_(self.x))

    def tensors(self) -> tuple[Tensor, ...]:
        """Every buffer that it reads or writes."""
        return self.x, self.out

    def records(self, packed: dict[int, Tensor]) -> list[Record]:
        """The operation as records for C."""
        return [record(ELU, self.x, self.out, self.x.shape[-1], self.out.shape[-1])]


class Gate(SamplingOperation):
    """out = x + a sigmoid(b), where gates (images, 2 features) hold a and b; the gates may be overwritten."""

    def __init__(self, x: Tensor, gates: Tensor, out: Tensor) -> None:
        self.x, self.gates, self.out = x, gates, out
        self.a, self.b = gates.split(x.shape[-1], -1)

    def __call__(self) -> None:
        """Run it in torch operations."""
        torch.sigmoid(self.b, out=self.b)
        torch.addcmul(self.x, self.a, self.b, out=self.out)

    def tensors(self) -> tuple[Tensor, ...]:
        """Every buffer that it reads or writes."""
        return self.x, self.gates, self.out

    def records(self, packed: dict[int, Tensor]) -> list[Record]:
        """The operation as records for C."""
        return [record(GATE, self.gates, self.out, self.gates.shape[-1], self.out.shape[-1], known=self.x)]


def record(
    kind: int,
    x: Tensor,
    out: Tensor,
    inputs: int,
    outputs: int,
    known: Tensor | None = None,
    weight: Tensor | None = None,
    middle: float = 0.0,
    top: float = 0.0,
) -> Record:
    """The record of an operation; a `known` without an image dimension applies to all images."""
    groups, rows = (1, x.shape[0]) if x.dim() == 2 else x.shape[:2]
    addresses = (0 if t is None else t.data_ptr() for t in (known, x, weight, out))
    steps = [strides(t) for t in (known, x, out)]
    return Record(
        kind, groups, rows, inputs, outputs, *addresses,
        *(stride for _, stride in steps), *(group for group, _ in steps), middle, top,
    )  # fmt: skip


def strides(x: Tensor | None) -> tuple[int, int]:
    """Distance in numbers between groups and between vectors; 0 where one vector applies to all."""
    if x is None or x.dim() == 1:
        return 0, 0
    return (0, x.stride(0)) if x.dim() == 2 else (x.stride(0), x.stride(1))


def pack_panels(weight: Tensor) -> Tensor:
    """Weights (inputs, outputs) as C reads them: panels of up to 64 columns, zero-padded to whole registers."""
    panels = weight.split(PANEL, 1)
    return torch.cat([F.pad(p, (0, -p.shape[1] % LANES)).contiguous().flatten() for p in panels])


class CompiledRun:
    """A sequence of operations as one call of C; it keeps their buffers alive."""

    def __init__(self, operations: Sequence[SamplingOperation], packed: dict[int, Tensor]) -> None:
        library = compiled_layers()
        assert library is not None
        self.operations, self.packed = operations, packed
        records = [record for operation in operations for record in operation.records(packed)]
        self.records = (Record * len(records))(*records)
        self.function, self.count = library.sampling_operations, ctypes.c_int64(len(records))

    def __call__(self) -> None:
        """Run the operations."""
        self.function(self.records, self.count)


def compile_runs(program: Program, packed: dict[int, Tensor]) -> Program:
    """Replace each sequence of operations that C can run by one call, where compiled code exists.

    `packed` receives the packed weights; the programs of one sampler may share it.
    """
    if compiled_layers() is None:
        return program
    result: Program = []
    for in_c, run in groupby(program, lambda o: isinstance(o, SamplingOperation) and o.runs_in_c()):
        operations = list(run)
        result += [CompiledRun(operations, packed)] if in_c else operations  # type: ignore[arg-type]
    return result
