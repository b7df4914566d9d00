"""CIFAR-style residual networks."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.encoder import EncoderSpec, Scaling
from ib_analysis.encoders.specs.training import Regime


class ResNetSpec(EncoderSpec):
    """A stem, then stages of two-layer basic blocks, each later one at half the resolution.

    As a classifier it ends in pooling and a linear layer, as an autoencoder in a linear code and a mirrored
    decoder.
    """

    implementation: ClassVar[str] = "ib_analysis.encoders.resnet:ResNet"
    regimes: ClassVar[tuple[Regime, ...]] = ("classifier", "autoencoder")
    kind: Literal["resnet"] = "resnet"
    blocks: tuple[int, ...] = Field((2, 2, 2, 2), min_length=1, description="residual blocks in each stage")
    widths: tuple[int, ...] = Field((64, 128, 256, 512), min_length=1, description="channels of each stage")
    norm: Literal["batch", "group", "none"] = Field("batch", description="normalisation of stem and branches")
    scaling: Scaling = Field(
        "none",
        description="factor on the branch of block l of L: none, uniform 1/sqrt(L), decreasing 1/(sqrt(l) log(l+1))",
    )
    bottleneck: int = Field(128, ge=1, description="width of the code of the autoencoder")

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.blocks) != len(self.widths):
            raise ValueError(
                f"blocks names {len(self.blocks)} stages, widths {len(self.widths)}: give one width for each stage"
            )
        if min(*self.blocks, *self.widths) < 1:
            raise ValueError("blocks and widths must be at least 1: omit a stage instead of setting it to 0")
        return self

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        stages = tuple(f"h{i}" for i in range(1, len(self.blocks) + 1))
        return ("stem", *stages, *(("pooled", "logits") if regime == "classifier" else ("bottleneck",)))
