"""Pictures inside the page: data URIs, so that it opens without a network and without its folder."""

from base64 import b64encode
from pathlib import Path

from ib_analysis.errors import UserError

MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}
LARGEST_VECTOR_BYTES = 400_000
"""A larger SVG holds a raster: then the PNG is the smaller file of the same sharpness."""


def chosen_file(stem: Path) -> Path:
    """`stem`.svg if it is there and slim, else `stem`.png, else the SVG.

    Raises:
        UserError: Neither file exists.
    """
    vector, raster = (stem.with_name(f"{stem.name}{suffix}") for suffix in (".svg", ".png"))
    if vector.exists() and (vector.stat().st_size <= LARGEST_VECTOR_BYTES or not raster.exists()):
        return vector
    if raster.exists():
        return raster
    raise UserError(f"{stem} has neither a .svg nor a .png: run the workflow again, it draws the figures.")


def data_uri(path: Path) -> str:
    """The file as a data URI."""
    return f"data:{MEDIA[path.suffix]};base64,{b64encode(path.read_bytes()).decode('ascii')}"


def embedded_bytes(path: Path) -> int:
    """Characters that the file takes inside the page."""
    return 4 * -(-path.stat().st_size // 3)
