"""A row of the table: the error of one method and seed, or the information that a probe extracts from one layer."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field, FiniteFloat

from ib_analysis.spec import Spec

Arm = Literal[
    "resnet",
    "net3",
    "net2",
    "tangent_net2",
    "tangent_net3",
    "tangent_resnet",
    "conjugate_net2",
    "conjugate_net3",
    "conjugate_resnet",
    "polynomial2",
    "regression_net2",
]
KERNEL_ARMS: tuple[Arm, ...] = (
    "tangent_net2",
    "tangent_net3",
    "tangent_resnet",
    "conjugate_net2",
    "conjugate_net3",
    "conjugate_resnet",
    "polynomial2",
    "regression_net2",
)
"""Methods that are linear in fixed features: with a width, features of a random network; without a width, the kernel
in closed form. regression_net2 is least squares over the random features of net2 without a ridge."""


class Point(NamedTuple):
    """One size of the problem."""

    alpha: float
    samples: int
    width: int


class Row(Spec):
    """The error of one method at one size and seed, with one choice of settings.

    An error is the mean over vectors of |prediction - H(x)|^2, summed over outputs; None if the training diverged. Rows
    with a layer belong to probes and have no error.
    """

    arm: Arm
    seed: int = Field(ge=0)
    alpha: FiniteFloat
    outputs: int
    samples: int
    width: int | None
    """Hidden units; None for a kernel in closed form."""
    learning_rate: FiniteFloat | None = None
    weight_decay: FiniteFloat | None = None
    ridge: FiniteFloat | None = None
    selected: bool
    """Whether the validation vectors of this seed select this row; only selected rows are reported."""
    validation_error: FiniteFloat | None = None
    test_error: FiniteFloat | None = None
    error_along_g: FiniteFloat | None = None
    """The part of a net's test error along G: sum over outputs of (mean of (prediction - H) G)^2; k alpha^2 for a
    predictor that ignores G."""
    error_of_f: FiniteFloat | None = None
    """Mean of |reading - F|^2, where linear regression reads F off the first block A relu(W (x, 1)) of a net; k for a
    block that tells nothing of F. None for a net without such a block."""
    epoch: int | None = None
    layer: str | None = None
    about: str | None = None
    """The probed coordinate: F1, F2, .., or G1."""
    probe: str | None = None
    bits: FiniteFloat | None = None
    """Lower bound of the information, of at most one bit."""
    stderr_bits: FiniteFloat | None = None


def parts_by_seed(
    rows: Sequence[Row], arm: Arm, point: Point, part: Literal["error_along_g", "error_of_f"]
) -> dict[int, float]:
    """One part of the errors of the selected nets, by seed; infinite if all trainings of a seed diverged."""
    return {
        row.seed: float("inf") if (found := getattr(row, part)) is None else found
        for row in rows
        if row.layer is None and row.selected and row.arm == arm
        if (row.alpha, row.samples, row.width) == point
    }


def errors_by_seed(
    rows: Sequence[Row], arm: Arm, point: Point, *, closed_form: bool = False
) -> dict[int, float]:
    """Test errors of the selected rows by seed; infinite if all trainings of a seed diverged."""
    width = None if closed_form else point.width
    return {
        row.seed: float("inf") if row.test_error is None else row.test_error
        for row in rows
        if row.layer is None and row.selected and row.arm == arm
        if (row.alpha, row.samples, row.width) == (point.alpha, point.samples, width)
    }
