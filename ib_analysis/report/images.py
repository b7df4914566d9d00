"""Figures embedded as data URIs, so that the page needs neither a network nor other files."""

from base64 import b64encode
from pathlib import Path

from ib_analysis.errors import UserError

MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}
LARGEST_VECTOR_BYTES = 400_000
"""A larger SVG contains a raster image, and the PNG is smaller at equal resolution."""


def chosen_file(stem: Path) -> Path:
    """`stem`.svg if it exists and is small, else `stem`.png, else the SVG.

    Raises:
        UserError: neither file exists.
    """
    vector, raster = (stem.with_name(f"{stem.name}{suffix}") for suffix in (".svg", ".png"))
    if vector.exists() and (vector.stat().st_size <= LARGEST_VECTOR_BYTES or not raster.exists()):
        return vector
    if raster.exists():
        return raster
    raise UserError(f"{stem}.svg and {stem}.png are missing: run the workflow again to draw the figures.")


def data_uri(path: Path) -> str:
    """The file as a data URI."""
    return f"data:{MEDIA[path.suffix]};base64,{b64encode(path.read_bytes()).decode('ascii')}"


def embedded_bytes(path: Path) -> int:
    """Number of characters of the file inside the page."""
    return 4 * -(-path.stat().st_size // 3)
