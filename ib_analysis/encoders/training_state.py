"""What a training has reached, in a scratch folder, so that an interrupted one goes on from there."""

import io
import pickle
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ib_analysis.encoders.disk import write_whole
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

    `identity` is a digest of all that the weights depend on; what bears another one is not of this training
    and counts as absent, as does a damaged file. Files are read with `weights_only=True`: loading executes
    no code.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity

    def save(self, state: TrainingState) -> None:
        """Writes the newest state, atomically."""
        rows = [asdict(row) for row in state.curve.rows]
        self._write(
            self._state,
            {"epoch": state.epoch, "encoder": state.encoder, "optimizer": state.optimizer, "curve": rows},
        )

    def newest(self) -> TrainingState | None:
        """The newest state, or None where there is none of this training."""
        found = self._read(self._state)
        if found is None:
            return None
        curve = TrainingCurve(tuple(CurveRow(**row) for row in found["curve"]))
        return TrainingState(found["epoch"], found["encoder"], found["optimizer"], curve)

    def save_kept(self, epoch: int, encoder: Weights) -> None:
        """Writes the weights of an epoch to be kept, atomically."""
        self._write(self._kept(epoch), {"encoder": encoder})

    def kept(self, epoch: int) -> Weights | None:
        """The weights of a kept epoch, or None."""
        found = self._read(self._kept(epoch))
        return None if found is None else found["encoder"]

    @property
    def _state(self) -> Path:
        return self.folder / "training.pt"

    def _kept(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch}.pt"

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        torch.save({"identity": self.identity, **content}, buffer)
        write_whole(path, buffer.getvalue())

    def _read(self, path: Path) -> dict[str, Any] | None:
        if not path.exists():
            return None
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
            warnings.warn(f"{path} is damaged ({error}): the training starts again", stacklevel=2)
            return None
        return found if isinstance(found, dict) and found.get("identity") == self.identity else None
