"""Saving of figures as PDF, SVG and PNG."""

from pathlib import Path

from matplotlib.figure import Figure

from decoders.training.atomic_file import replacing
from ib_analysis.errors import UserError
from ib_analysis.figures.style.figure_style import figure_style

UNDATED: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}
"""Metadata of each format that is removed so that the same data give the same bytes."""


def save(figure: Figure, stem: Path) -> dict[str, Path]:
    """Writes `stem`.pdf, .svg and .png (300 dpi), each atomically; returns the paths by format.

    The suffix is appended to the full name, so the stem may contain dots.
    """
    paths = {suffix: stem.with_name(f"{stem.name}.{suffix}") for suffix in UNDATED}
    for path in paths.values():
        save_as(figure, path)
    return paths


def save_as(figure: Figure, path: Path) -> None:
    """Writes the figure in the format of the path's suffix; the same data give the same bytes.

    Raises:
        UserError: the suffix is none of .pdf, .svg and .png.
    """
    suffix = path.suffix.removeprefix(".")
    if suffix not in UNDATED:
        raise UserError(
            f"{path} ends in {path.suffix or 'nothing'}: a figure is saved as .pdf, .svg or .png."
        )
    with figure_style(), replacing(path) as temporary:
        figure.savefig(temporary, format=suffix, metadata=UNDATED[suffix])
