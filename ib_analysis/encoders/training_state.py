"""States of a training in a scratch folder, from which an interrupted one resumes."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from decoders.training.saved_state import SavedState
from ib_analysis.encoders.training.training_curve import CurveRow, TrainingCurve

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class TrainingState:
    """The end of one epoch."""

    epoch: int
    encoder: Weights
    optimizer: dict[str, Any]
    curve: TrainingCurve


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
        rows = [asdict(row) for row in state.curve.rows]
        self._newest.write(
            {"epoch": state.epoch, "encoder": state.encoder, "optimizer": state.optimizer, "curve": rows}
        )

    def newest(self) -> TrainingState | None:
        """The newest state, or None where there is none of this training."""
        found = self._newest.read()
        if found is None:
            return None
        curve = TrainingCurve(tuple(CurveRow(**row) for row in found["curve"]))
        return TrainingState(found["epoch"], found["encoder"], found["optimizer"], curve)

    def save_kept(self, epoch: int, encoder: Weights) -> None:
        """Write the weights of an epoch to be kept, atomically."""
        self._kept(epoch).write({"encoder": encoder})

    def kept(self, epoch: int) -> Weights | None:
        """The weights of a kept epoch, or None."""
        found = self._kept(epoch).read()
        return None if found is None else found["encoder"]

    def _kept(self, epoch: int) -> SavedState:
        return SavedState(self.folder / f"epoch-{epoch}.pt", self.identity)
