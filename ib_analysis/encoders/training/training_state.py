"""States of a training in a scratch folder, from which an interrupted one resumes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from decoders.training.saved_state import SavedState
from ib_analysis.encoders.training.training_curve import CurveRow, TrainingCurve

Weights = tuple[dict[str, Tensor], ...]
"""The state of the encoder of each member."""


@dataclass(frozen=True)
class Divergence:
    """Where the loss of a member first was not finite."""

    epoch: int
    message: str


@dataclass(frozen=True)
class TrainingState:
    """The end of one epoch."""

    epoch: int
    encoders: Weights
    optimizer: dict[str, Any]
    curves: tuple[TrainingCurve, ...]
    """One for each member."""
    diverged: Mapping[int, Divergence]
    """The members whose loss was not finite, by number."""


class Scratch:
    """The states of one training in one folder: the newest, and the weights of every epoch to be kept.

    `identity` is a digest of everything that the weights depend on. A state with another identity and a damaged file
    count as absent, with a warning.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity
        self._newest = SavedState(folder / "training.pt", identity)

    @property
    def is_due(self) -> bool:
        """Whether the newest state is old enough to be written again."""
        return self._newest.is_due

    def save(self, state: TrainingState) -> None:
        """Write the newest state atomically."""
        self._newest.write(
            {
                "epoch": state.epoch,
                "encoders": state.encoders,
                "optimizer": state.optimizer,
                "curves": [[asdict(row) for row in curve.rows] for curve in state.curves],
                "diverged": {m: asdict(divergence) for m, divergence in state.diverged.items()},
            }
        )

    def newest(self) -> TrainingState | None:
        """The newest state, or None where there is none of this training."""
        found = self._newest.read()
        if found is None:
            return None
        curves = tuple(TrainingCurve(tuple(CurveRow(**row) for row in rows)) for rows in found["curves"])
        diverged = {m: Divergence(**divergence) for m, divergence in found["diverged"].items()}
        return TrainingState(found["epoch"], tuple(found["encoders"]), found["optimizer"], curves, diverged)

    def save_kept(self, epoch: int, encoders: Weights) -> None:
        """Write the weights of an epoch to be kept, atomically."""
        self._kept(epoch).write({"encoders": encoders})

    def kept(self, epoch: int) -> Weights | None:
        """The weights of a kept epoch, or None."""
        found = self._kept(epoch).read()
        return None if found is None else tuple(found["encoders"])

    def _kept(self, epoch: int) -> SavedState:
        return SavedState(self.folder / f"epoch-{epoch}.pt", self.identity)
