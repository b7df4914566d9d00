"""Image files read by Pillow."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from decoders.training.failures import reading
from ib_analysis.datasets.dataset import PartName
from ib_analysis.datasets.source import Block, block_length
from ib_analysis.errors import UserError

Mode = Literal["grey", "rgb"]
_PILLOW_MODE = {"grey": "L", "rgb": "RGB"}
_PROGRAMS = {"EPS"}
"""Formats whose files are programs: Pillow hands PostScript to an interpreter."""
_WHITE_IS_ZERO = 0
# What Pillow logs of a broken file is in its exception.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def read_image(path: Path, mode: Mode, resize: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Reads an image as uint8 (C, H, W), with its EXIF orientation applied, resized to (height, width) if given.

    Grey of 12 or 16 bits is reduced to its upper eight bits, transparency is ignored, and only the first frame is read.
    Resizing uses the Lanczos filter, which avoids aliasing. PostScript, which is a program, is not read.

    Raises:
        UserError: Pillow cannot read the file, or its pixels have no fixed range.
    """
    with reading(path, "cannot be read", "replace or remove it", UserError), _opened(path) as file:
        image = _eight_bits(file).convert(_PILLOW_MODE[mode])
    if resize is not None:
        image = image.resize((resize[1], resize[0]), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[np.newaxis] if mode == "grey" else np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The image of a file, without Pillow's warnings, which are of tags and not of pixels.

    Pillow is handed the open file and not its name: it maps a file that it can name into memory, and then swaps the
    sides of a turned TIFF without turning its pixels.
    """
    Image.init()
    formats = [name for name in Image.ID if name not in _PROGRAMS]
    with warnings.catch_warnings(action="ignore"), path.open("rb") as file:
        try:
            image = Image.open(file, formats=formats)
        except UnidentifiedImageError:
            raise ValueError("it is no image of a format that is read here") from None
        with image:
            yield image


def _eight_bits(file: Image.Image) -> Image.Image:
    """The upright image, grey of 12 or 16 bits scaled to 8 bits, which Pillow would clip at 255."""
    image = ImageOps.exif_transpose(file)
    if image.mode.startswith("I;16"):
        bits, white_is_zero = _depth(file)
        levels = (np.asarray(image) >> (bits - 8)).astype(np.uint8)
        return Image.fromarray(255 - levels if white_is_zero else levels)
    if image.mode in {"I", "F"}:
        raise ValueError(f"its pixels have mode {image.mode}, which has no fixed range; convert it to 8 bits")
    return image


def _depth(file: Image.Image) -> tuple[int, bool]:
    """Bits of a grey level, and whether 0 is white: of a TIFF, Pillow leaves both to the reader of its mode I;16."""
    tags = getattr(file, "tag_v2", {})
    bits = tags.get(ExifTags.Base.BitsPerSample, (16,))[0]
    return int(bits), tags.get(ExifTags.Base.PhotometricInterpretation) == _WHITE_IS_ZERO


def image_blocks(
    files: Iterable[tuple[Path, int]],
    shape: tuple[int, int, int],
    mode: Mode,
    resize: tuple[int, int] | None = None,
    part: PartName | None = None,
    remedy: str = "remove it",
) -> Iterator[Block]:
    """Blocks of the images at the given paths with the given labels.

    Raises:
        UserError: an image cannot be read or has another shape; the message ends with the remedy.
    """
    files = iter(files)
    while some := list(islice(files, block_length(shape))):
        images = np.empty((len(some), *shape), np.uint8)
        for row, (path, _) in enumerate(some):
            image = read_image(path, mode, resize)
            if image.shape != shape:
                raise UserError(
                    f"image {path}: has {_size(image.shape)} pixels, not {_size(shape)}; {remedy}"
                )
            images[row] = image
        yield Block(images, np.array([label for _, label in some], np.int64), part)


def _size(shape: tuple[int, ...]) -> str:
    """Height x width as text.

    >>> _size((3, 32, 48))
    '32x48'
    """
    return f"{shape[1]}x{shape[2]}"
