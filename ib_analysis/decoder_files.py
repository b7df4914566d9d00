"""Names of the files in a folder of fitted decoders: weights, histories and the record of every fit.

`p(x)` and `q(x|y)` lie in folders of their own, as `marginal.image` and `classes.image`. `p(x|h)` and `p(y|h)` of one
checkpoint lie side by side, as `<tap>.image` and `<tap>.label`.
"""

from pathlib import Path
from typing import cast, get_args

from ib_analysis.point import Target

MARGINAL = "marginal"
"""Replaces the name of the tap for p(x), which reads none."""
CLASSES = "classes"
"""Replaces the name of the tap for q(x|y), which is told the label."""


def decoder_name(target: Target, tap: str = MARGINAL) -> str:
    """The name that all files of a decoder share, and its key in the record of fits.

    >>> decoder_name("label", "h1"), decoder_name("image")
    ('h1.label', 'marginal.image')
    """
    return f"{tap}.{target}"


def decoder_of(name: str) -> tuple[Target, str]:
    """The target and the tap of a `decoder_name`.

    >>> decoder_of("h1.label")
    ('label', 'h1')
    """
    tap, _, target = name.rpartition(".")
    if target not in get_args(Target):
        raise ValueError(f"{name!r} is no name of a decoder: it ends in neither .image nor .label")
    return cast(Target, target), tap


def weights_path(folder: Path, target: Target, tap: str = MARGINAL) -> Path:
    """The weights of a decoder."""
    return folder / f"{decoder_name(target, tap)}.safetensors"


def history_path(folder: Path, target: Target, tap: str = MARGINAL) -> Path:
    """The history of a decoder's fit."""
    return folder / f"{decoder_name(target, tap)}.csv"


def fits_path(folder: Path) -> Path:
    """The record of every fit in the folder."""
    return folder / "fits.json"
