"""Image files written by hand, byte by byte: what Pillow reads and does not write."""

import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.integer]
"""Levels (H, W, C), each below 2 to the number of bits."""
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column and steps of the passes of an interlaced PNG (ISO/IEC 15948, 8.2)."""
COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
"""The colour type of a PNG by its number of channels."""
PALETTE = 3


def packed(values: Values, bits: int, order: str = ">") -> bytes:
    """Rows of samples of so many bits, each row filled up to a byte."""
    rows = values.reshape(len(values), -1)
    if bits == 8:
        return rows.astype(np.uint8).tobytes()
    if bits in (16, 32):
        return rows.astype(f"{order}u{bits // 8}").tobytes()
    single = (rows[..., None] >> np.arange(bits)[::-1]) & 1
    return np.packbits(single.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def png_chunk(name: bytes, content: bytes = b"") -> bytes:
    """A chunk with its length and its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    values: Values,
    bits: int = 8,
    *,
    palette: Values | None = None,
    interlaced: bool = False,
    size: tuple[int, int] | None = None,
    chunks: Sequence[bytes] = (),
    end: bool = True,
) -> bytes:
    """A PNG of these samples, or of palette entries; `size` (height, width) is what its header says instead."""
    height, width = size or values.shape[:2]
    colour = COLOURS[values.shape[2]] if palette is None else PALETTE
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    parts = [values[top::down, left::right] for top, left, down, right in passes]
    lines = b"".join(b"\0" + packed(row[None], bits) for part in parts if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    found = [png_chunk(b"IHDR", header)]
    if palette is not None:
        found.append(png_chunk(b"PLTE", palette.astype(np.uint8).tobytes()))
    found += [*chunks, png_chunk(b"IDAT", zlib.compress(lines))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(found) + (png_chunk(b"IEND") if end else b"")


def tiff(
    values: Values,
    bits: int = 8,
    *,
    photometric: int | None = None,
    order: str = "<",
    tile: int = 0,
    planar: bool = False,
    deflate: bool = False,
    size: tuple[int, int] | None = None,
    tags: Mapping[int, int | Sequence[int]] | None = None,
) -> bytes:
    """A TIFF in strips of three rows or in square tiles, pixels interleaved or in planes; `order` is < or >."""
    height, width, channels = values.shape
    planes = [values[..., [c]] for c in range(channels)] if planar else [values]
    pieces = [piece for plane in planes for piece in (_tiles(plane, tile) if tile else _strips(plane))]
    blocks = [packed(piece, bits, order) for piece in pieces]
    blocks = [zlib.compress(block) for block in blocks] if deflate else blocks
    starts = 8 + np.cumsum([0, *map(len, blocks)])
    place, length = (324, 325) if tile else (273, 279)
    said: dict[int, int | Sequence[int]] = {
        256: (size or (height, width))[1],
        257: (size or (height, width))[0],
        258: [bits] * channels,
        259: 8 if deflate else 1,
        262: photometric if photometric is not None else (2 if channels >= 3 else 1),
        277: channels,
        place: [int(start) for start in starts[:-1]],
        length: [len(block) for block in blocks],
        284: 2 if planar else 1,
        **({322: tile, 323: tile} if tile else {278: 3}),
        **(tags or {}),
    }
    magic = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return (
        magic + struct.pack(f"{order}I", starts[-1]) + b"".join(blocks) + _directory(said, starts[-1], order)
    )


def _strips(values: Values) -> list[Values]:
    return [values[top : top + 3] for top in range(0, len(values), 3)]


def _tiles(values: Values, side: int) -> list[Values]:
    height, width = (-(-length // side) * side for length in values.shape[:2])
    whole = np.zeros((height, width, values.shape[2]), values.dtype)
    whole[: len(values), : values.shape[1]] = values
    corners = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    return [whole[top : top + side, left : left + side] for top, left in corners]


def _directory(tags: Mapping[int, int | Sequence[int]], start: int, order: str) -> bytes:
    """The directory of a TIFF that starts at that byte, all values as 32 bits, and the lists after it."""
    entries, after = b"", b""
    beyond = start + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        many = [value] if isinstance(value, int) else list(value)
        content = struct.pack(f"{order}{len(many)}I", *many)
        if len(many) > 1:
            after, content = after + content, struct.pack(f"{order}I", beyond + len(after))
        entries += struct.pack(f"{order}HHI", tag, 4, len(many)) + content
    return struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", 0) + after


def bmp(
    values: Values, bits: int, *, palette: Values | None = None, upright: bool = False, compression: int = 0
) -> bytes:
    """A BMP of palette entries of 1, 4 or 8 bits, or of RGB of 24 bits; `upright` starts with its top row."""
    height, width = values.shape[:2]
    rows = values if upright else values[::-1]
    rows = rows[..., ::-1] if bits == 24 else rows
    lines = [packed(row[None], 8 if bits == 24 else bits) for row in rows]
    pixels = b"".join(line + bytes(-len(line) % 4) for line in lines)
    colours = (
        b"" if palette is None else b"".join(bytes([*entry[::-1], 0]) for entry in palette.astype(np.uint8))
    )
    start = 14 + 40 + len(colours)
    count = 0 if palette is None else len(palette)
    about = (
        40,
        width,
        -height if upright else height,
        1,
        bits,
        compression,
        len(pixels),
        2835,
        2835,
        count,
        0,
    )
    head = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start)
    return head + struct.pack("<IiiHHIIiiII", *about) + colours + pixels


def pnm(kind: int, values: Values, most: int, comment: str = "") -> bytes:
    """A PBM, PGM or PPM, in text (P1 to P3) or in bytes (P4 to P6)."""
    height, width = values.shape[:2]
    head = f"P{kind}\n{comment}{width} {height}\n" + ("" if kind in (1, 4) else f"{most}\n")
    if kind <= 3:
        return (head + "\n".join(" ".join(map(str, row.ravel())) for row in values) + "\n").encode()
    return head.encode() + packed(values, 1 if kind == 4 else 8 if most < 256 else 16)
