"""A row of the study's table."""

from typing import Literal

from pydantic import Field, FiniteFloat

from ib_analysis.encoders.layers.branch_scaling import Scaling
from ib_analysis.spec import Spec
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


class StableRow(Spec):
    """One quantity of one network or kernel."""

    quantity: Quantity
    """Logarithms are natural and of squares: growth of the variance and of the squared gradient over all blocks, or the
    squared norm of the gradient of the stem's weights at initialization. Accuracies are on evaluation images."""
    scaling: Scaling
    norm: StudiedNorm
    """Of the trained networks; the fully connected ones and the kernels have none."""
    depth: int = Field(ge=1)
    """Residual blocks of the whole network."""
    seed: int
    """Of the weights, or of the choice of images for a kernel."""
    value: FiniteFloat
    closed_form: FiniteFloat | None = None
    """The same of an infinitely wide network; None where there is no closed form."""
    chosen: float | None = None
    """The learning rate or the ridge that the validation images chose; None where there is nothing to choose."""
    validation_accuracy: float | None = None
    """Of what was chosen."""
    diverged: bool = False
    """Whether the loss did not stay finite; the value is then the accuracy of the commonest training label."""
