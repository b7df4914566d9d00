"""A row of the study's table."""

from typing import Literal

from pydantic import Field

from ib_analysis.encoders.specs.shortcut_units import Layout, Nonlinearity
from ib_analysis.spec import Spec


class ShortcutDepthRow(Spec):
    """A spectrum at one point, or the end of one training, with its spectrum for the advised setting."""

    experiment: Literal["zero", "initial", "along", "final"]
    """Zero weights; random initial weights; a step of the best training; the end of the best training."""
    layout: Layout
    nonlinearity: Nonlinearity
    shortcut: Literal["none", "1", "2", "3"]
    initialization: Literal["zero", "near_zero", "xavier", "orthogonal"]
    layers: int = Field(ge=1)
    seed: int = Field(ge=0)
    parameters: int = Field(ge=1)
    outcome: Literal["measured", "diverged"] = "measured"
    """Diverged: no learning rate of the grid gave a finite validation loss."""
    step: int | None = None
    learning_rate: float | None = None
    """The best learning rate of the grid on the decoder part."""
    training_loss: float | None = None
    """(1/2) mean ||y - yhat||^2 over the training images of the encoder part."""
    validation_loss: float | None = None
    evaluation_loss: float | None = None
    least_loss: float | None = None
    """The smallest training loss of any linear map."""
    layer_norm: float | None = None
    """Root mean square over layers of the Frobenius norm of the trained weights: how far a layer is from 0."""
    condition_number: float | None = None
    """max |lambda| / min |lambda| over eigenvalues above 1e-12 of the largest; empty for a zero Hessian."""
    largest_eigenvalue: float | None = None
    smallest_eigenvalue: float | None = None
    index: float | None = None
    """Fraction of negative eigenvalues."""
    flat: float | None = None
    """Fraction of eigenvalues that count as 0."""
    predicted_condition_number: float | None = None
    """The closed form at zero weights, if it is known."""
    method: Literal["dense", "lanczos"] | None = None

    @property
    def setting(self) -> tuple[str, str]:
        """Shortcut and initialization, which the study compares."""
        return self.shortcut, self.initialization
