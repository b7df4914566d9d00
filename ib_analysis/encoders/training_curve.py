"""The training curve: one row an epoch, kept as CSV."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from decoders.training.atomic_file import replacing
from ib_analysis.errors import UserError


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

    @classmethod
    def from_records(cls, records: Iterable[dict[str, Any]]) -> Self:
        """The curve from mappings of column to number or text."""
        return cls(tuple(_row(record) for record in records))


def write_curve(path: Path, curve: TrainingCurve) -> None:
    """Writes the curve as CSV, atomically; a missing held-out figure is an empty cell."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(CurveRow)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in curve.rows)


def read_curve(path: Path) -> TrainingCurve:
    """Reads what `write_curve` wrote; a file that is no training curve raises UserError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return TrainingCurve.from_records(csv.DictReader(file))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is missing or no training curve ({error!r}): remove it and run the workflow again"
        ) from None


def _row(record: dict[str, Any]) -> CurveRow:
    held_out = record["held_out_part"]
    return CurveRow(
        epoch=int(record["epoch"]),
        learning_rate=float(record["learning_rate"]),
        loss=float(record["loss"]),
        metric=str(record["metric"]),
        encoder_part=float(record["encoder_part"]),
        held_out_part=None if held_out in (None, "") else float(held_out),
        seconds=float(record["seconds"]),
    )
