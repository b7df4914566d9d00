"""The training curve: a table with one row for each epoch that was measured, stored beside the checkpoints."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CurveRow:
    """An encoder at the end of one epoch; epoch 0 is the untrained network."""

    epoch: int
    learning_rate: float
    """Learning rate of the last step of the epoch; 0 at epoch 0."""
    loss: float
    """Mean training loss over the steps of the epoch, on augmented images; at epoch 0 measured like the metric."""
    metric: str
    """Name of the next two columns: accuracy, or mean_squared_error per sub-pixel of pixels in [0, 1]."""
    encoder_part: float
    """Metric on training images, in evaluation mode, without augmentation."""
    held_out_part: float | None
    """Metric on images of the decoder part, on which the encoder is not trained."""
    seconds: float
    """Wall time of the epoch."""


@dataclass(frozen=True)
class TrainingCurve:
    """Rows in order of epochs, usually all from 0 on; the curve of a fixed encoder has none."""

    rows: tuple[CurveRow, ...]


def curve_path(checkpoints: Path) -> Path:
    """Path of the training curve in a folder of checkpoints."""
    return checkpoints / "training_curve.csv"
