"""A row of the study's table, and the learning rates at which trained networks are reported."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field, FiniteFloat

from ib_analysis.encoders.specs.encoder import Scaling
from ib_analysis.spec import Spec
from ib_analysis.studies import learning_rate
from ib_analysis.studies.specs.stable import StudiedNorm

Quantity = Literal[
    "log_variance_growth",
    "log_gradient_growth",
    "correlation",
    "nngp_effective_rank",
    "ntk_effective_rank",
    "nngp_accuracy",
    "ntk_accuracy",
    "test_accuracy",
    "stem_log_gradient",
]


LEARNED = 0.01
"""By how much the mean accuracy of networks that learned exceeds that of the most frequent label."""


class StableRow(Spec):
    """One quantity of one network or kernel."""

    quantity: Quantity
    """Natural logarithms of squares: growth of the variance and of the squared gradient over all blocks, or the squared
    norm of the gradient of the stem's weights at initialization. Accuracies are on evaluation images."""
    scaling: Scaling
    norm: StudiedNorm
    """Norm of the trained networks; fully connected networks and kernels have none."""
    depth: int = Field(ge=1)
    """Residual blocks of the whole network."""
    seed: int
    """Seed of the weights, or of the choice of images for a kernel."""
    value: FiniteFloat
    closed_form: FiniteFloat | None = None
    """The value of an infinitely wide network; None without a closed form."""
    learning_rate: float | None = None
    """The rate of a trained network, of which every one of the tried has a row; None for all else."""
    ridge: float | None = None
    """The ridge of kernel ridge regression, selected on validation images; None for all else."""
    training_accuracy: float | None = None
    """Accuracy of a trained network on its training images, without augmentation; None if it diverged."""
    validation_accuracy: float | None = None
    """Accuracy on the decoder part, which selects the learning rate or the ridge; None if it diverged."""
    chance: float | None = None
    """Accuracy of the most frequent training label on the decoder part; None for what was not trained."""
    diverged: bool = False
    """Whether the loss became non-finite; the value is then the accuracy of the most frequent training label."""


class Arm(NamedTuple):
    """Networks that share a learning rate."""

    scaling: Scaling
    norm: StudiedNorm
    depth: int


class Network(NamedTuple):
    """A trained network."""

    arm: Arm
    learning_rate: float
    validation_accuracy: float | None
    chance: float
    """Mean validation accuracy that networks which learned exceed."""


def trained(rows: Sequence[StableRow]) -> list[Network]:
    """The trained networks, at every tried rate."""
    return [
        Network(
            Arm(row.scaling, row.norm, row.depth),
            row.learning_rate,
            row.validation_accuracy,
            row.chance + LEARNED,
        )
        for row in rows
        if row.learning_rate is not None and row.chance is not None
    ]


def chosen_learning_rates(rows: Sequence[StableRow]) -> dict[Arm, float]:
    """For each arm the rate that validation images prefer."""
    return learning_rate.chosen_learning_rates(trained(rows), lambda network: network.arm)


def reported(rows: Sequence[StableRow]) -> list[StableRow]:
    """All rows but those of networks that were trained at another than the chosen rate of their arm."""
    rates = chosen_learning_rates(rows)
    return [
        row
        for row in rows
        if row.learning_rate is None or row.learning_rate == rates[Arm(row.scaling, row.norm, row.depth)]
    ]
