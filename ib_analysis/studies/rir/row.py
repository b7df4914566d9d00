"""A row of the table: one trained network, whole or with one stream zeroed at one block."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, FiniteFloat

from ib_analysis.encoders.specs.rir import Arm
from ib_analysis.spec import Spec
from ib_analysis.studies import learning_rate


class RirRow(Spec):
    """One network, trained with one seed and learning rate."""

    images: str
    """Name of the data set."""
    training_images: int = Field(ge=1)
    evaluation_images: int = Field(ge=1)
    arm: Arm
    seed: int = Field(ge=0)
    learning_rate: FiniteFloat
    status: Literal["trained", "diverged"]
    block: int | None = None
    """The block at whose input a stream is zero, counted from 1; None for the whole network."""
    stream: Literal["residual", "transient"] | None = None
    """The stream that is zero."""
    training_accuracy: FiniteFloat | None = Field(None, ge=0, le=1)
    """Accuracy on the training images, without augmentation; None if diverged or with a zeroed stream."""
    validation_accuracy: FiniteFloat | None = Field(None, ge=0, le=1)
    """Accuracy on the decoder part, which selects the learning rate; None if diverged or with a zeroed stream."""
    accuracy: FiniteFloat | None = Field(None, ge=0, le=1)
    """Accuracy on the evaluation part, which is not used for selection; None for a diverged network."""
    parameters: int
    multiply_adds: int
    """Multiply-adds of convolutions and linear layers, for one image."""


def chosen_learning_rates(rows: Sequence[RirRow]) -> dict[Arm, float]:
    """For each arm the rate that validation images prefer."""
    return learning_rate.chosen_learning_rates(whole(rows), lambda row: row.arm)


def whole(rows: Sequence[RirRow]) -> list[RirRow]:
    """The rows of networks without a zeroed stream."""
    return [row for row in rows if row.block is None]


def reported(rows: Sequence[RirRow]) -> list[RirRow]:
    """The rows of each arm at its selected learning rate."""
    rates = chosen_learning_rates(rows)
    return [row for row in rows if row.learning_rate == rates[row.arm]]


def accuracies(
    rows: Sequence[RirRow], arm: Arm, block: int | None = None, stream: str | None = None
) -> dict[int, float]:
    """Accuracy by seed of one arm, whole or without a stream, without diverged networks."""
    return {
        row.seed: row.accuracy
        for row in rows
        if (row.arm, row.block, row.stream) == (arm, block, stream) and row.accuracy is not None
    }
