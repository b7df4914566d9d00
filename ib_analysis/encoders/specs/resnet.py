"""CIFAR-style residual networks."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.training import Regime
from ib_analysis.spec import Spec


class ResNetSpec(Spec):
    """A stem, four stages of two-layer basic blocks, each later stage at half the resolution; classifier or autoencoder."""

    implementation: ClassVar[str] = "ib_analysis.encoders.resnet:ResNet"
    regimes: ClassVar[tuple[Regime, ...]] = ("classifier", "autoencoder")
    kind: Literal["resnet"] = "resnet"
    blocks: tuple[int, ...] = Field((2, 2, 2, 2), min_length=1, description="residual blocks in each stage")
    widths: tuple[int, ...] = Field((64, 128, 256, 512), min_length=1, description="channels of each stage")
    norm: Literal["batch", "group", "none"] = "batch"
    bottleneck: int = Field(128, ge=1, description="width of the code of the autoencoder")

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.blocks) != len(self.widths):
            raise ValueError(f"blocks names {len(self.blocks)} stages and widths {len(self.widths)}: one width a stage")
        return self

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        stages = tuple(f"h{i}" for i in range(1, len(self.blocks) + 1))
        return ("stem", *stages, *(("pooled", "logits") if regime == "classifier" else ("bottleneck",)))
