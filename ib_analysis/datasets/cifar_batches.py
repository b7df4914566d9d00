"""CIFAR's python batches, which are pickles, read without executing code from the file."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decoders.training.failures import reading
from ib_analysis.datasets.source import Block, in_blocks
from ib_analysis.errors import UserError

SHAPE = (3, 32, 32)
NO_BATCH = "not a CIFAR batch", "remove it and unpack the official archive again"


class _Array:
    """Record of a pickled array, which is converted to an array only after inspection."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def rows(self) -> NDArray[np.uint8]:
        """The pickled uint8 matrix, from state = (version, shape, dtype, is_fortran, bytes)."""
        _, shape, dtype, fortran, raw = self.state
        if not isinstance(dtype, _DType) or dtype.code not in {"u1", b"u1"} or not isinstance(raw, bytes):
            raise ValueError("its data are not a uint8 array")
        return np.frombuffer(raw, np.uint8).reshape(shape, order="F" if fortran else "C")


class _DType:
    """Record of a pickled dtype."""

    def __init__(self, code: str | bytes, *_: Any) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Ignores byte order and fields, which a uint8 does not have."""


class _NDArray:
    """Placeholder for the type numpy.ndarray, an argument of the reconstruction."""


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _latin1(text: str, encoding: str) -> bytes:
    """Decodes bytes as Python 3 writes them in protocol 2: _codecs.encode(text, "latin1")."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it uses the encoding {encoding!r}")
    return text.encode("latin1")


_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _NDArray,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _latin1,
}


class _ArraysOnly(pickle.Unpickler):  # noqa: S301 (it finds inert records alone)
    """Unpickler of containers and uint8 arrays: numpy's names map to inert records, all other names are refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it would run {module}.{name}")
        return _ADMITTED[module, name]


def read_pickle(path: Path) -> dict[str, Any]:
    """Reads a pickled dictionary of containers and uint8 arrays, with its keys as text.

    Raises:
        UserError: the file is damaged, is not a dictionary, or names other types.
    """
    with reading(path, *NO_BATCH, UserError), path.open("rb") as file:
        content = _ArraysOnly(file, encoding="bytes").load()
        return {_text(key): value for key, value in content.items()}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def class_names(path: Path, key: str) -> tuple[str, ...]:
    """The class names, from batches.meta (CIFAR-10) or meta (CIFAR-100).

    Raises:
        UserError: the file is damaged or has no such list.
    """
    names = read_pickle(path).get(key)
    if not isinstance(names, list) or not names:
        raise UserError(f"{path}: has no list {key!r}; remove it and unpack the official archive again")
    with reading(path, *NO_BATCH, UserError):
        return tuple(str(_text(name)) for name in names)


def read_batch(path: Path, label_key: str, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (n, 3, 32, 32) and labels (n,) of one batch.

    Raises:
        UserError: data or labels are missing, do not match, or are out of range.
    """
    batch = read_pickle(path)
    with reading(path, *NO_BATCH, UserError):
        images = batch["data"].rows().reshape(-1, *SHAPE)
        labels = np.array(batch[label_key], dtype=np.int64)
    if labels.shape != (len(images),) or labels.min(initial=0) < 0 or labels.max(initial=0) >= classes:
        raise UserError(f"{path}: its labels do not match its {len(images)} images and {classes} classes")
    return images, labels


def batch_blocks(folder: Path, names: tuple[str, ...], label_key: str, classes: int) -> Iterator[Block]:
    """The images of several batches in order; at most one batch is in memory."""
    for name in names:
        yield from in_blocks(*read_batch(folder / name, label_key, classes))
