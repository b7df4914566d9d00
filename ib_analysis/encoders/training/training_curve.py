"""The training curve: one row an epoch, a table beside the checkpoints."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CurveRow:
    """An encoder at the end of one epoch; epoch 0 is the untrained network."""

    epoch: int
    learning_rate: float
    """Of the last step of the epoch; 0 at epoch 0."""
    loss: float
    """Mean over the epoch's steps, augmented, while the weights move; at epoch 0 measured like the metric."""
    metric: str
    """What the next two are: accuracy, or mean_squared_error per sub-pixel of pixels in [0, 1]."""
    encoder_part: float
    """On images it learns on, in evaluation mode, not augmented."""
    held_out_part: float | None
    """On images it never saw, of the decoder part."""
    seconds: float
    """Wall time of the epoch."""


@dataclass(frozen=True)
class TrainingCurve:
    """Rows in order of epochs, from 0 to the last; a fixed encoder has none."""

    rows: tuple[CurveRow, ...]


def curve_path(checkpoints: Path) -> Path:
    """The training curve in a folder of checkpoints."""
    return checkpoints / "training_curve.csv"
