"""Image files in one sub-folder per class, read by Pillow."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ib_analysis.datasets.dataset import PartName
from ib_analysis.datasets.source import Block, block_length
from ib_analysis.errors import UserError

Mode = Literal["grey", "rgb"]
_PILLOW_MODE = {"grey": "L", "rgb": "RGB"}


def class_folders(folder: Path) -> list[Path]:
    """The sub-folders, one per class, sorted by name.

    Raises:
        UserError: the folder is missing or has no sub-folder.
    """
    if not folder.is_dir():
        raise UserError(f"folder {folder}: does not exist; it must hold one sub-folder of images per class")
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise UserError(
            f"folder {folder}: has no sub-folders; it must hold one sub-folder of images per class"
        )
    return classes


def image_paths(folder: Path) -> list[Path]:
    """All images below a class folder, sorted.

    Hidden files and files without the suffix of an image format are ignored.

    Raises:
        UserError: there is no image.
    """
    known = Image.registered_extensions()
    paths = sorted(
        path
        for path in folder.rglob("*")
        if not path.name.startswith(".") and path.suffix.lower() in {*known, ""} and path.is_file()
    )
    if not paths:
        raise UserError(f"class folder {folder}: holds no image; add images or remove the folder")
    return paths


def read_image(path: Path, mode: Mode, resize: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Reads an image as uint8 (C, H, W), with its EXIF orientation applied, resized to (height, width) if given.

    16-bit grey is reduced to its upper eight bits, transparency is ignored, and only the first frame is read. Resizing
    uses the Lanczos filter, which avoids aliasing.

    Raises:
        UserError: Pillow cannot read the file, or its pixels have no fixed range.
    """
    try:
        with Image.open(path) as file:
            image = _eight_bits(ImageOps.exif_transpose(file)).convert(_PILLOW_MODE[mode])
    except Exception as error:  # Pillow raises many types of errors for damaged files
        raise UserError(f"image {path}: cannot be read ({error}); replace or remove it") from error
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
