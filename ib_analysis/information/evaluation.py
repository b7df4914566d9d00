"""What the decoders said of every evaluation image, for one network: kept per image, so that differences pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from decoders.training.atomic_file import replacing
from ib_analysis.errors import UserError

Point = tuple[int, str, str]
"""(epoch, tap, target), where the target is "x" (image) or "y" (label)."""


@dataclass(frozen=True)
class Evaluation:
    """-log q of every evaluation image, in nats, shape (images,), for each point of one network."""

    encoder: str
    regime: str
    seed: int
    nats: Mapping[Point, NDArray[np.float64]]

    @property
    def epochs(self) -> list[int]:
        """The measured epochs, rising."""
        return sorted({epoch for epoch, _, _ in self.nats})

    @property
    def taps(self) -> list[str]:
        """The measured taps, in network order."""
        return list(dict.fromkeys(tap for _, tap, _ in self.nats))


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write the arrays, named epoch/tap/target, to an .npz file, atomically."""
    arrays = {f"{epoch}/{tap}/{target}": values for (epoch, tap, target), values in evaluation.nats.items()}
    run = np.array([evaluation.encoder, evaluation.regime, str(evaluation.seed)])
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, run=run, **arrays)


def read_evaluation(path: Path) -> Evaluation:
    """Read what `write_evaluation` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            encoder, regime, seed = (str(word) for word in archive["run"])
            nats = {_point(name): archive[name] for name in archive.files if name != "run"}
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise UserError(f"{path} does not hold nats per image ({error}): remove it and run again.") from None
    return Evaluation(encoder, regime, int(seed), nats)


def _point(name: str) -> Point:
    epoch, tap, target = name.split("/")
    return int(epoch), tap, target
