"""Images drawn from the taps of one network, beside their originals."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ib_analysis.errors import UserError


@dataclass(frozen=True)
class Samples:
    """Originals (n, C, H, W), their rows in the evaluation part, and for each (epoch, tap) what was drawn.

    Draws have the shape (draws, n, C, H, W).
    """

    encoder: str
    regime: str
    seed: int
    levels: int
    rows: NDArray[np.int64]
    originals: NDArray[np.uint8]
    classes: tuple[str, ...]
    drawn: Mapping[tuple[int, str], NDArray[np.uint8]]

    def epochs(self) -> list[int]:
        """The sampled epochs, rising."""
        return sorted({epoch for epoch, _ in self.drawn})

    def taps(self) -> list[str]:
        """The sampled taps, in network order."""
        return list(dict.fromkeys(tap for _, tap in self.drawn))


def write_samples(path: Path, samples: Samples) -> None:
    """Write the arrays to an .npz file; draws are named epoch/tap."""
    drawn = {f"{epoch}/{tap}": images for (epoch, tap), images in samples.drawn.items()}
    np.savez(
        path,
        allow_pickle=False,
        run=np.array([samples.encoder, samples.regime, str(samples.seed)]),
        levels=np.array(samples.levels),
        rows=samples.rows,
        originals=samples.originals,
        classes=np.array(samples.classes),
        **drawn,
    )


def read_samples(path: Path) -> Samples:
    """Read what `write_samples` wrote."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            encoder, regime, seed = (str(word) for word in archive["run"])
            drawn = {_point(name): archive[name] for name in archive.files if "/" in name}
            classes = tuple(str(name) for name in archive["classes"])
            levels, rows, originals = int(archive["levels"]), archive["rows"], archive["originals"]
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise UserError(f"{path} does not hold samples ({error}): remove it and run again.") from None
    return Samples(encoder, regime, int(seed), levels, rows, originals, classes, drawn)


def _point(name: str) -> tuple[int, str]:
    epoch, tap = name.split("/")
    return int(epoch), tap
