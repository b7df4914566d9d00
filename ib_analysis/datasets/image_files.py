"""Image files read by Pillow."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from decoders.training.failures import reading
from ib_analysis.datasets.dataset import PartName
from ib_analysis.datasets.source import Block, block_length
from ib_analysis.errors import UserError

Mode = Literal["grey", "rgb"]
_PILLOW_MODE = {"grey": "L", "rgb": "RGB"}


def read_image(path: Path, mode: Mode, resize: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Reads an image as uint8 (C, H, W), with its EXIF orientation applied, resized to (height, width) if given.

    16-bit grey is reduced to its upper eight bits, transparency is ignored, and only the first frame is read. Resizing
    uses the Lanczos filter, which avoids aliasing.

    Raises:
        UserError: Pillow cannot read the file, or its pixels have no fixed range.
    """
    with (
        reading(path, "cannot be read", "replace or remove it", UserError),
        Image.open(path) as file,
    ):
        image = _eight_bits(ImageOps.exif_transpose(file)).convert(_PILLOW_MODE[mode])
    if resize is not None:
        image = image.resize((resize[1], resize[0]), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[np.newaxis] if mode == "grey" else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scales 16-bit grey to 8 bits, which Pillow would clip at 255."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        raise ValueError(f"its pixels have mode {image.mode}, which has no fixed range; convert it to 8 bits")
    return image


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
