"""How a network under study is trained."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ib_analysis.spec import Spec

Regime = Literal["classifier", "autoencoder", "fixed"]


class TrainingSpec(Spec):
    """Stochastic gradient descent with momentum."""

    model_config = ConfigDict(allow_inf_nan=False)
    epochs: int = Field(ge=0, description="number of epochs, and the last possible checkpoint")
    batch_size: int = Field(128, ge=1, description="images per step")
    learning_rate: float = Field(0.1, gt=0, description="peak learning rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of stochastic gradient descent")
    nesterov: bool = Field(False, description="use Nesterov momentum")
    weight_decay: float = Field(1e-4, ge=0, description="L2 coefficient")
    schedule: Literal["constant", "cosine", "steps"] = Field(
        "cosine", description="decay of the learning rate"
    )
    milestones: tuple[float, ...] = Field(
        (0.5, 0.75), description="fractions of the epochs after which the rate is divided by 10 (steps only)"
    )
    warmup_epochs: float = Field(0.0, ge=0, description="epochs of linear warm-up of the learning rate")
    gradient_clip: float | None = Field(None, gt=0, description="largest gradient norm; null: no clipping")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="label smoothing of the cross-entropy")
    crop_padding: int = Field(0, ge=0, description="pixels of zero padding before a random crop; 0: no crop")
    flip: bool = Field(False, description="random horizontal flip")
    mixed_precision: bool = Field(True, description="use bfloat16 on a GPU")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError(
                "nesterov needs a momentum above 0: set momentum (0.9 is usual) or nesterov: false"
            )
        if any(not 0 < share < 1 for share in self.milestones):
            raise ValueError(
                f"milestones is {list(self.milestones)}: give fractions of the epochs, between 0 and 1"
            )
        return self
