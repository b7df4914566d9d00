"""How a network under study is trained."""

from typing import Literal

from pydantic import Field

from ib_analysis.spec import Spec

Regime = Literal["classifier", "autoencoder", "fixed"]


class TrainingSpec(Spec):
    """Stochastic gradient descent with momentum."""

    epochs: int = Field(ge=0, description="length of the training; the last checkpoint allowed")
    batch_size: int = Field(128, ge=1)
    learning_rate: float = Field(0.1, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(1e-4, ge=0)
    schedule: Literal["constant", "cosine", "steps"] = "cosine"
    milestones: tuple[float, ...] = Field(
        (0.5, 0.75), description="shares of the epochs after which the rate is divided by 10 (steps only)"
    )
    warmup_epochs: float = Field(0.0, ge=0, description="linear warm-up of the learning rate")
    gradient_clip: float | None = Field(None, gt=0, description="largest gradient norm; null: none")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    crop_padding: int = Field(0, ge=0, description="random crop after so many pixels of padding; 0: none")
    flip: bool = Field(False, description="random horizontal flip")
    mixed_precision: bool = Field(True, description="bfloat16 where the device is a GPU")
