"""Writes and opens prepared data sets on disk, block by block."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from decoders.training.disk import explain_disk_errors
from decoders.training.failures import reading
from decoders.training.progress import progress
from ib_analysis.artefacts import sha256
from ib_analysis.datasets.dataset import PARTS, Dataset, Header, Part, PartName
from ib_analysis.datasets.source import Block, Source, block_length
from ib_analysis.datasets.specs.source import SourceSpec, SplitSourceSpec
from ib_analysis.datasets.splits import (
    UNUSED,
    arrangement,
    choose_subset,
    digests,
    draw_parts,
    in_earlier_part,
)
from ib_analysis.errors import UserError
from ib_analysis.scratch import locked

FILES = IMAGES, LABELS, HEADER = "images.npy", "labels.npy", "header.json"
_DRAWN = UNUSED
"""Marks an image whose source has no native parts."""
_CHANGED = "the images changed while they were read; run again"


@dataclass(frozen=True)
class _Index:
    """Data of the first pass, about thirty bytes per image."""

    labels: NDArray[np.int64]
    native: NDArray[np.int8]
    digests: NDArray[np.bytes_]


@dataclass(frozen=True)
class _Plan:
    """The source rows in stored order, and the sizes of the three parts."""

    rows: NDArray[np.int64]
    counts: tuple[int, ...]
    duplicates_dropped: int


def prepare_dataset(source: Source, spec: SourceSpec, folder: Path) -> Header:
    """Writes `images.npy`, `labels.npy` and `header.json` into `folder`, replacing earlier files.

    The first pass over the source reads labels and digests, the second writes every image to its position. One block of
    images is in memory at a time. The header is written last and removed first, so a folder with a header is complete
    even if a process is killed. The same source and spec give the same bytes.

    Raises:
        UserError: a class has too few images for three parts, or a part becomes empty.
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    with explain_disk_errors(folder.parent), locked(partial):
        try:
            index = _read_index(source)
            plan = _plan(source, index, spec)
            _create(partial / LABELS, np.dtype(np.int64), (len(plan.rows),))
            open_memmap(partial / LABELS, "r+")[:] = index.labels[plan.rows]
            _create(partial / IMAGES, np.dtype(np.uint8), (len(plan.rows), *source.shape))
            _write_images(source, index, plan, partial / IMAGES)
            header = _header(source, plan, partial)
            (partial / HEADER).write_text(header.model_dump_json(indent=2) + "\n", encoding="utf-8")
            _install(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return header


def _checked_blocks(source: Source) -> Iterator[Block]:
    """The blocks of a source, checked for shapes, types and ranges."""
    for block in source.blocks():
        images, labels = block.images, block.labels
        if images.dtype != np.uint8 or images.shape != (len(labels), *source.shape):
            raise ValueError(
                f"{source.name}: a block of {images.dtype} {images.shape} has {len(labels)} labels"
            )
        if images.max(initial=0) >= source.levels:
            raise ValueError(
                f"{source.name}: a pixel has the value {images.max()}, beyond {source.levels} levels"
            )
        if labels.min(initial=0) < 0 or labels.max(initial=0) >= len(source.class_names):
            raise ValueError(f"{source.name}: a label without a class")
        yield block


def _read_index(source: Source) -> _Index:
    labels, native, found = [], [], []
    for block in progress(_checked_blocks(source), f"{source.name}: reading"):
        labels.append(np.asarray(block.labels, np.int64).copy())  # a view would keep the block in memory
        native.append(np.full(len(block), _DRAWN if block.part is None else PARTS.index(block.part), np.int8))
        found.append(digests(block.images))
    if not labels:
        raise UserError(f"{source.name}: holds no image")
    return _Index(np.concatenate(labels), np.concatenate(native), np.concatenate(found))


def _plan(source: Source, index: _Index, spec: SourceSpec) -> _Plan:
    """Chooses the subset, then the parts, then drops duplicates, then fixes the order."""
    strata = index.labels + len(source.class_names) * index.native.astype(np.int64)
    chosen = choose_subset(strata, spec.images, spec.seed)
    parts = _parts(source, index, spec, chosen)
    duplicates = (
        in_earlier_part(index.digests, parts) if spec.duplicates == "drop" else np.zeros(len(parts), bool)
    )
    parts[duplicates] = UNUSED
    counts = tuple(int((parts == part).sum()) for part in range(len(PARTS)))
    for name, count in zip(PARTS, counts):
        if count == 0 and not _may_be_empty(name, spec):
            raise UserError(
                f"{source.name}: the {name} part has no images ({duplicates.sum()} duplicates of "
                "earlier parts were dropped); add images or set `duplicates: keep`"
            )
    return _Plan(arrangement(parts, spec.seed), counts, int(duplicates.sum()))


def _may_be_empty(part: PartName, spec: SourceSpec) -> bool:
    """Whether the spec asks for no images in that part."""
    return isinstance(spec, SplitSourceSpec) and getattr(spec.shares, part) == 0


def _parts(source: Source, index: _Index, spec: SourceSpec, chosen: NDArray[np.bool_]) -> NDArray[np.int8]:
    """The native parts of the source; images without one are drawn into the three parts, or into the other two."""
    drawn = index.native == _DRAWN
    native = np.where(chosen, index.native, UNUSED).astype(np.int8)
    if not drawn.any():
        return native
    if not isinstance(spec, SplitSourceSpec):
        raise TypeError(f"{source.name}: has no native parts and {type(spec).__name__} has no shares")
    shares = spec.shares if drawn.all() else spec.shares.without_encoder()
    found = draw_parts(index.labels, chosen & drawn, shares, spec.seed, source.class_names)
    return np.where(drawn, found, native)


def _create(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Creates an array file of its full length, so that a full disk is detected before images are written."""
    open_memmap(path, "w+", dtype, shape).flush()
    _reserve(path, path.stat().st_size)


def _reserve(path: Path, n_bytes: int) -> None:
    """Give an existing file its final length with every block allocated.

    On a full disk a memory-mapped write to a sparse file kills the process with SIGBUS; a reservation fails first,
    with an OSError.
    """
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        else:
            file.truncate(n_bytes)


def _write_images(source: Source, index: _Index, plan: _Plan, path: Path) -> None:
    """The second pass; the file is mapped again for each block, so that only one block stays in memory."""
    place = np.full(len(index.labels), UNUSED, np.int64)
    place[plan.rows] = np.arange(len(plan.rows))
    start = 0
    for block in progress(_checked_blocks(source), f"{source.name}: writing"):
        rows = slice(start, start + len(block))
        _require_same(source, index, block, rows)
        used = place[rows] != UNUSED
        open_memmap(path, "r+")[place[rows][used]] = block.images[used]
        start = rows.stop
    if start != len(index.labels):
        raise UserError(f"{source.name}: {_CHANGED}")


def _require_same(source: Source, index: _Index, block: Block, rows: slice) -> None:
    """Checks that the second pass reads the same images as the first."""
    same = np.array_equal(digests(block.images), index.digests[rows])
    if not same or not np.array_equal(block.labels, index.labels[rows]):
        raise UserError(f"{source.name}: {_CHANGED}")


def _header(source: Source, plan: _Plan, folder: Path) -> Header:
    channels, height, width = source.shape
    header = Header(
        name=source.name,
        channels=channels,
        height=height,
        width=width,
        levels=source.levels,
        class_names=source.class_names,
        counts=dict(zip(PARTS, plan.counts)),
        duplicates_dropped=plan.duplicates_dropped,
        fingerprint="",
        known=source.known,
    )
    sums = {name: sha256(folder / name) for name in (IMAGES, LABELS)}
    return header.model_copy(update={"fingerprint": _fingerprint(header, folder), "sha256": sums})


def _fingerprint(header: Header, folder: Path) -> str:
    """blake2b of levels, shape and split, then labels, then pixels, in stored order."""
    digest = hashlib.blake2b(digest_size=16)
    facts = [header.levels, *_shape(header), *(header.counts[name] for name in PARTS)]
    digest.update(json.dumps(facts).encode())
    for name, length in ((LABELS, 2**20), (IMAGES, block_length(_shape(header)[1:]))):
        for start in range(0, _shape(header)[0], length):
            digest.update(np.load(folder / name, mmap_mode="r")[start : start + length].tobytes())
    return digest.hexdigest()


def _shape(header: Header) -> tuple[int, int, int, int]:
    return sum(header.counts.values()), header.channels, header.height, header.width


def _install(partial: Path, folder: Path) -> None:
    """Moves the three files into place; other files in the folder are not changed."""
    for name in (IMAGES, LABELS, HEADER):
        with (partial / name).open("rb") as file:
            os.fsync(file.fileno())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HEADER).unlink(missing_ok=True)
    for name in (IMAGES, LABELS, HEADER):
        (partial / name).replace(folder / name)


def open_dataset(folder: Path) -> Dataset:
    """Opens the prepared data set in a folder, memory-mapped and read-only.

    Raises:
        UserError: a file is missing, truncated or damaged, or is not the one that the header was written for.
    """
    header = _read_header(folder)
    total, *shape = _shape(header)
    images = _open_array(folder / IMAGES, (total, *shape), np.dtype(np.uint8))
    labels = _open_array(folder / LABELS, (total,), np.dtype(np.int64))
    if labels.min(initial=0) < 0 or labels.max(initial=0) >= len(header.class_names):
        raise UserError(f"{folder / LABELS}: a label has no class; {_remedy(folder)}")
    for name in (IMAGES, LABELS):
        if sha256(folder / name) != header.sha256.get(name):
            raise UserError(
                f"{folder / name}: is damaged, its SHA-256 is not that in {HEADER}; {_remedy(folder)}"
            )
    ends = np.cumsum([header.counts[name] for name in PARTS])
    encoder, decoder, evaluation = (
        Part(name, images[end - header.counts[name] : end], labels[end - header.counts[name] : end])
        for name, end in zip(PARTS, ends)
    )
    return Dataset(header, encoder, decoder, evaluation)


def _remedy(folder: Path) -> str:
    return f"remove {folder} and run the workflow again"


def _read_header(folder: Path) -> Header:
    path = folder / HEADER
    if not path.is_file():
        raise UserError(f"{path}: is missing, so the data set is incomplete; {_remedy(folder)}")
    with reading(path, "not a header of a data set", _remedy(folder), UserError):
        header = Header.model_validate_json(path.read_bytes())
    if set(header.counts) != set(PARTS) or min(header.counts["decoder"], header.counts["evaluation"]) < 1:
        raise UserError(f"{path}: lacks the counts of the three parts; {_remedy(folder)}")
    return header


def _open_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Memory-maps an array after checking its shape and type and the length of the file."""
    if not path.is_file():
        raise UserError(f"{path}: is missing; {_remedy(path.parent)}")
    with reading(path, "is truncated or not an array", _remedy(path.parent), UserError):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.memmap) or array.shape != shape or array.dtype != dtype:
        raise UserError(
            f"{path}: does not match {HEADER}, which states {dtype} {shape}; {_remedy(path.parent)}"
        )
    if path.stat().st_size != array.offset + array.nbytes:
        raise UserError(f"{path}: is longer than its array; {_remedy(path.parent)}")
    return array
