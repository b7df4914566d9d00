"""Specifications of decoders and of their fits: frozen, strict, without torch."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from decoders.settings import Settings

Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""A seed that every generator takes."""
Beta = Annotated[float, Field(ge=0, lt=1)]

Precision = Literal["float32", "mixed", "bfloat16"]


class DecoderSpec(Settings):
    """A decoder in the configuration. It names its implementation, so the configuration does not import it."""

    implementation: ClassVar[str] = ""

    def described(self) -> dict[str, Any]:
        """The spec as JSON together with the name of its implementation."""
        return {"implementation": self.implementation, "spec": self.model_dump(mode="json")}


class ImageTarget(Settings):
    """Target of an image decoder: integer levels 0..levels-1 of shape (channels, height, width)."""

    channels: int = Field(ge=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    levels: int = Field(ge=2, le=256)

    @property
    def dimensions(self) -> int:
        """Number of sub-pixels of one image."""
        return self.channels * self.height * self.width


class LabelTarget(Settings):
    """Target of a label decoder: a class 0..classes-1."""

    classes: int = Field(ge=2)


class FitSpec(Settings):
    """Recipe of a maximum-likelihood fit."""

    steps: int = Field(ge=1, description="budget: largest number of gradient steps")
    batch_size: int = Field(32, ge=1, description="examples per step")
    learning_rate: float = Field(1e-3, gt=0, description="largest learning rate")
    pretrained_rate: float = Field(
        0.1,
        ge=0,
        le=1,
        description="learning-rate multiplier for warm-started weights: 0.1 from the pretrained decoder, 1 from a "
        "neighbouring epoch",
    )
    schedule: Literal["exponential", "cosine"] = Field(
        "cosine", description="cosine to 0 over the budget, or exponential decay per step as in the paper"
    )
    learning_rate_decay: float = Field(0.999995, gt=0, le=1, description="factor per step (exponential only)")
    warmup_steps: int = Field(
        0,
        ge=0,
        description="linear warm-up of the learning rate; a tenth of the steps where pretrained weights take the whole "
        "rate, or its first steps undo them",
    )
    betas: tuple[Beta, Beta] = Field((0.95, 0.9995), description="decay rates of Adam's moments")
    weight_decay: float = Field(0.0, ge=0, description="decoupled L2 coefficient")
    gradient_clip: float | None = Field(None, gt=0, description="largest gradient norm")
    average_decay: float = Field(
        0.9995, ge=0, lt=1, description="decay of the exponential average of the weights, after its warm-up"
    )
    holdout: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the decoder part held out for the stopping rule and the plateau test",
    )
    evaluate_every: int = Field(200, ge=1, description="gradient steps between two validation steps")
    patience: int | None = Field(
        None,
        ge=1,
        description="validation steps without improvement before the fit stops; null: the whole budget",
    )
    precision: Precision = Field(
        "mixed",
        description="of the network; the loss is always float32. mixed: bfloat16 on a GPU, float32 on a CPU; bfloat16: "
        "also on a CPU that computes it in hardware; float32: everywhere",
    )
    seed: Seed = Field(0, description="of the initial weights, the order of examples and dropout")


def check_same_held_out(chain: Mapping[str, FitSpec]) -> None:
    """Check that no fit is validated on examples that the fit it starts from was fitted to.

    Args:
        chain: fits by the name of their field, in the order in which they start from one another.

    Raises:
        ValueError: a later fit would be validated on examples that an earlier one was fitted to.
    """
    for (name, fit), (_, later) in pairwise(chain.items()):
        if fit.holdout < later.holdout:
            raise ValueError(
                f"{name}: its holdout must not be smaller than that of the fits that start from it, or they would be "
                "validated on images that it was fitted to"
            )


class CategoricalSpec(DecoderSpec):
    """q(y | h): a classifier of h; convolutions and pooling read a spatial h."""

    implementation: ClassVar[str] = "decoders.categorical:Categorical"
    kind: Literal["categorical"] = "categorical"
    hidden: int = Field(64, ge=1, description="width of the hidden layers")
    layers: int = Field(1, ge=0, description="hidden layers; 0 is a linear probe")
    dropout: float = Field(0.0, ge=0, lt=1, description="probability that a hidden unit is dropped")


class LinearGaussianSpec(DecoderSpec):
    """q(x | h) = N(x; A h + b, Sigma), fitted in closed form: the analytic oracle."""

    implementation: ClassVar[str] = "decoders.linear_gaussian:LinearGaussian"
    kind: Literal["linear_gaussian"] = "linear_gaussian"
    ridge: float = Field(1e-6, gt=0, description="added to the diagonal of the covariance")
