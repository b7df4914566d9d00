"""A folder of activations in which row i of h belongs to image i of one part of one data set."""

import errno
import json
import os
import re
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from decoders.training.disk import explain_disk_errors
from decoders.training.failures import reading
from ib_analysis.activations.activations import Activations
from ib_analysis.activations.rounding import rounded
from ib_analysis.activations.spec import Precision
from ib_analysis.artefacts import sha256
from ib_analysis.datasets.dataset import PartName
from ib_analysis.errors import UserError
from ib_analysis.spec import Spec

HEADER = "header.json"


class StoredTap(Spec):
    """One memory-mapped array of the store."""

    shape: tuple[int, ...]
    """Shape of one h, without the image axis."""
    sha256: str
    """Checksum of the file `<tap>.npy`."""


class StoreHeader(Spec):
    """Description of the rows, and the images and the checkpoint that they belong to."""

    fingerprint: str = Field(description="fingerprint of the data set, its parts and their order")
    part: PartName
    count: int = Field(ge=0)
    precision: Precision
    checkpoint_digest: str
    taps: dict[str, StoredTap]

    @field_validator("taps")
    @classmethod
    def _names_are_file_names(cls, taps: dict[str, StoredTap]) -> dict[str, StoredTap]:
        for name in taps:
            if not re.fullmatch(r"\w[\w.-]*", name):
                raise ValueError(f"tap {name!r} is not usable as a file name")
        return taps


class ActivationStore(Activations):
    """Memory-mapped activations of one part: `header.json` and one `<tap>.npy` per tap."""

    def __init__(self, header: StoreHeader, arrays: dict[str, NDArray[np.floating]]) -> None:
        self.header, self.arrays = header, arrays

    @classmethod
    def open(cls, folder: Path, *, fingerprint: str, part: PartName, checkpoint_digest: str) -> Self:
        """Opens a store after checking that its rows belong to the given images and checkpoint.

        Raises:
            UserError: the store is missing, belongs to another data set, part or checkpoint, is truncated, or does not
                match its checksum.
        """
        header = _header(folder)
        asked = {"fingerprint": fingerprint, "part": part, "checkpoint_digest": checkpoint_digest}
        for name, value in asked.items():
            if (found := getattr(header, name)) != value:
                raise _refused(folder, f"was made for the {name} {found}, not for {value}")
        return cls(header, {tap: _array(folder, header, tap) for tap in header.taps})

    def __len__(self) -> int:
        return self.header.count

    def shape(self, tap: str) -> tuple[int, ...]:
        """Shape of one h at the tap."""
        if tap not in self.header.taps:
            raise UserError(f"tap {tap!r} was not stored: choose from {', '.join(self.header.taps)}")
        return self.header.taps[tap].shape

    def rows(self, tap: str, rows: NDArray[np.int64]) -> Tensor:
        """h of the given images, float32, shape (len(rows), *shape(tap)), on the CPU."""
        return torch.from_numpy(self.arrays[tap][rows]).float()


class StoreWriter:
    """Writes a store block by block beside its folder, and moves it into place once it is complete.

    It is a context manager. If the `with` block fails, everything written is removed, so `folder` never holds a partial
    store. Only one process may write to a folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fingerprint: str,
        part: PartName,
        count: int,
        shapes: dict[str, tuple[int, ...]],
        checkpoint_digest: str,
        precision: Precision = "float32",
    ) -> None:
        taps = {name: StoredTap(shape=shape, sha256="") for name, shape in shapes.items()}
        self.header = StoreHeader(
            fingerprint=fingerprint,
            part=part,
            count=count,
            precision=precision,
            checkpoint_digest=checkpoint_digest,
            taps=taps,
        )
        self.folder, self.partial, self.written = folder, folder.with_name(f".{folder.name}.partial"), 0

    def __enter__(self) -> Self:
        _demand_replaceable(self.folder)
        shutil.rmtree(self.partial, ignore_errors=True)
        try:
            self._begin()
        except BaseException:
            shutil.rmtree(self.partial, ignore_errors=True)
            raise
        return self

    def _begin(self) -> None:
        with self._explain_disk_errors():
            self.partial.mkdir(parents=True)
            self._demand_space()
            for name, tap in self.header.taps.items():
                with self._array(name).open("wb") as file:
                    np.lib.format.write_array_header_1_0(file, self._array_header(tap))

    def append(self, block: dict[str, Tensor]) -> None:
        """Appends rows: for every tap of the store, h of shape (rows, *shape).

        Raises:
            UserError: a value is not finite or overflows float16.
            DiskError: the operating system refuses the file, for want of room or for another reason.
        """
        rows = {len(h) for h in block.values()}
        if set(block) != set(self.header.taps) or len(rows) != 1:
            raise ValueError(
                f"a block must hold the same number of rows for each of the taps {', '.join(self.header.taps)}"
            )
        for name, h in block.items():
            if tuple(h.shape[1:]) != self.header.taps[name].shape:
                raise ValueError(
                    f"h at {name} has shape {tuple(h.shape[1:])}, not {self.header.taps[name].shape}"
                )
            self._write(name, self._converted(name, h))
        self.written += rows.pop()

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        try:
            if error_type is None:
                with self._explain_disk_errors():
                    self._close()
        finally:
            shutil.rmtree(self.partial, ignore_errors=True)

    def _close(self) -> None:
        if self.written != self.header.count:
            raise ValueError(f"{self.written} rows were written to {self.folder}, not {self.header.count}")
        sums = {name: sha256(self._array(name)) for name in self.header.taps}
        taps = {name: tap.model_copy(update={"sha256": sums[name]}) for name, tap in self.header.taps.items()}
        header = self.header.model_copy(update={"taps": taps})
        (self.partial / HEADER).write_text(header.model_dump_json(indent=1), encoding="utf-8")
        for path in self.partial.iterdir():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        shutil.rmtree(self.folder, ignore_errors=True)
        os.replace(self.partial, self.folder)

    def _converted(self, name: str, h: Tensor) -> NDArray[np.floating]:
        return rounded(name, h, self.header.precision).cpu().contiguous().numpy()

    def _write(self, name: str, h: NDArray[np.floating]) -> None:
        # With plain writes a full disk raises an error; with a memory map it would kill the process.
        with self._explain_disk_errors(), self._array(name).open("ab") as file:
            file.write(h.data)

    def _explain_disk_errors(self) -> AbstractContextManager[None]:
        advice = f"free {self.bytes_needed:,} bytes there, or set source: recomputed"
        return explain_disk_errors(self.folder, advice)

    def _array(self, tap: str) -> Path:
        return self.partial / f"{tap}.npy"

    @property
    def bytes_needed(self) -> int:
        """Size of all rows in bytes."""
        values = sum(int(np.prod(tap.shape)) for tap in self.header.taps.values())
        return values * self.header.count * np.dtype(self.header.precision).itemsize

    def _demand_space(self) -> None:
        free = shutil.disk_usage(self.partial).free
        if free < self.bytes_needed:
            raise OSError(errno.ENOSPC, f"{free:,} bytes are free")

    def _array_header(self, tap: StoredTap) -> dict[str, object]:
        descr = np.lib.format.dtype_to_descr(np.dtype(self.header.precision))
        return {"descr": descr, "fortran_order": False, "shape": (self.header.count, *tap.shape)}


def _demand_replaceable(folder: Path) -> None:
    """Refuses a folder that is not a store, because it must not be removed."""
    if folder.exists() and not (folder / HEADER).exists() and any(folder.iterdir()):
        raise UserError(f"{folder} holds other files than activations: name another folder, or empty it")


def _header(folder: Path) -> StoreHeader:
    if not folder.is_dir():
        raise UserError(f"{folder} is missing: run the workflow again to compute the activations")
    with reading(folder / HEADER, "is no header of activations", f"remove {folder} and run again", UserError):
        return StoreHeader(**json.loads((folder / HEADER).read_text(encoding="utf-8")))


def _array(folder: Path, header: StoreHeader, tap: str) -> NDArray[np.floating]:
    path = folder / f"{tap}.npy"
    with reading(path, "is truncated or damaged", f"remove {folder} and run again", UserError):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.shape != (header.count, *header.taps[tap].shape) or array.dtype != np.dtype(header.precision):
        raise _refused(folder, f"is damaged: {path.name} does not have the shape and type of its header")
    if sha256(path) != header.taps[tap].sha256:
        raise _refused(folder, f"is damaged: the checksum of {path.name} differs from its header")
    return array


def _refused(folder: Path, what: str) -> UserError:
    return UserError(f"{folder} {what}: remove it and run the workflow again")
