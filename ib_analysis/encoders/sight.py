"""Which pixels of an image the taps of a given network see, for the log and the report; imports no torch."""

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ib_analysis.spec import Spec

UNKNOWN = "h has no gradient, so that it is not known which pixels the taps see."


class Sight(Spec):
    """How many pixels can change h at any tap, and the smallest rectangle around them, rows and columns from 1 on."""

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    seen: int = Field(ge=0)
    rows: tuple[int, int]
    columns: tuple[int, int]

    @classmethod
    def of(cls, seen: NDArray[np.bool_]) -> Self:
        """From a map of booleans (H, W).

        >>> Sight.of(np.array([[True, False], [True, False]])).sentence
        'The taps see 2 of 2 x 2 pixels, rows 1-2 and columns 1-1; h cannot hold the other 2.'
        """
        ends = []
        for axis in (1, 0):
            found = np.flatnonzero(seen.any(axis=axis))
            ends.append((int(found[0]) + 1, int(found[-1]) + 1) if len(found) else (0, 0))
        height, width = seen.shape
        return cls(height=height, width=width, seen=int(seen.sum()), rows=ends[0], columns=ends[1])

    @property
    def unseen(self) -> int:
        """How many pixels h cannot hold."""
        return self.height * self.width - self.seen

    @property
    def sentence(self) -> str:
        """What h can hold of an image."""
        if not self.unseen:
            return f"The taps see all {self.height} x {self.width} pixels."
        where = "rows {}-{} and columns {}-{}".format(*self.rows, *self.columns)
        return (
            f"The taps see {self.seen} of {self.height} x {self.width} pixels, {where}; h cannot hold the other "
            f"{self.unseen}."
        )


def sight_path(folder: Path) -> Path:
    """Where the sight of a given network lies in its folder of checkpoints."""
    return folder / "sight.json"
