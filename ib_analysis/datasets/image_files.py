"""Image files in one sub-folder a class, read by Pillow."""

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
    """The sub-folders, sorted by name: one a class.

    Raises:
        UserError: the folder is missing or has no sub-folder.
    """
    if not folder.is_dir():
        raise UserError(f"folder {folder}: does not exist; it must hold one sub-folder of images a class")
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise UserError(
            f"folder {folder}: is empty of classes; it must hold one sub-folder of images a class"
        )
    return classes


def image_paths(folder: Path) -> list[Path]:
    """The images anywhere below a class folder, sorted.

    Hidden files are passed over, and so are files whose suffix is that of no image format: notes, tables.

    Raises:
        UserError: there is none.
    """
    known = Image.registered_extensions()
    paths = sorted(
        path
        for path in folder.rglob("*")
        if not path.name.startswith(".") and path.suffix.lower() in {*known, ""} and path.is_file()
    )
    if not paths:
        raise UserError(f"class folder {folder}: holds no image; put images there or remove the folder")
    return paths


def read_image(path: Path, mode: Mode, resize: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """One image as uint8 (C, H, W), upright as its camera meant it, resized to (height, width) if asked.

    16-bit grey keeps its upper eight bits; transparency is ignored; of several frames the first is
    taken. Resizing weighs all pixels under the shrunken one (Lanczos), so that nothing aliases.

    Raises:
        UserError: Pillow cannot read the file, or its pixels have no fixed range.
    """
    try:
        with Image.open(path) as file:
            image = _eight_bits(ImageOps.exif_transpose(file)).convert(_PILLOW_MODE[mode])
    except Exception as error:  # Pillow's formats raise whatever a damaged file makes them stumble over
        raise UserError(f"image {path}: cannot be read ({error}); replace or remove it") from error
    if resize is not None:
        image = image.resize((resize[1], resize[0]), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[np.newaxis] if mode == "grey" else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Pillow would clip 16-bit grey at 255 where it ought to scale it."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        raise ValueError(f"its pixels are of mode {image.mode}, without a fixed range; convert it to 8 bits")
    return image


def image_blocks(
    files: Iterable[tuple[Path, int]],
    shape: tuple[int, int, int],
    mode: Mode,
    resize: tuple[int, int] | None = None,
    part: PartName | None = None,
    remedy: str = "remove it",
) -> Iterator[Block]:
    """Blocks of the images at those paths with those labels.

    Raises:
        UserError: an image cannot be read or is of another shape; the sentence ends with the remedy.
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
    """Height x width.

    >>> _size((3, 32, 48))
    '32x48'
    """
    return f"{shape[1]}x{shape[2]}"
