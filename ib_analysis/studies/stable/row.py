"""A row of the study's table."""

from typing import Literal

from pydantic import Field, FiniteFloat

from ib_analysis.encoders.specs.encoder import Scaling
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
    chosen: float | None = None
    """The learning rate or ridge selected on validation images; None if nothing is selected."""
    training_accuracy: float | None = None
    """Accuracy of a trained network on its training images, without augmentation; None if it diverged."""
    validation_accuracy: float | None = None
    """Validation accuracy of the selected setting."""
    diverged: bool = False
    """Whether the loss became non-finite; the value is then the accuracy of the most frequent training label."""
