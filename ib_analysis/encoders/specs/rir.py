"""Two-stream networks of Resnet in Resnet, and the plain and residual networks that they are compared with."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.encoder import EncoderSpec, Scaling
from ib_analysis.encoders.specs.training import Regime

Arm = Literal["plain", "resnet", "resnet_init", "rir"]


class RirSpec(EncoderSpec):
    """A stem, then stages of blocks of two 3x3 layers over two streams of channels, residual and transient.

    The four arms have the same layers and differ in which channels have a shortcut. As a classifier it ends in a 1x1
    convolution to the classes and pooling, as an autoencoder in a linear code and the mirrored decoder of a ResNet.
    """

    implementation: ClassVar[str] = "ib_analysis.encoders.rir:Rir"
    regimes: ClassVar[tuple[Regime, ...]] = ("classifier", "autoencoder")
    kind: Literal["rir"] = "rir"
    blocks: tuple[int, ...] = Field((2, 3, 3), min_length=1, description="blocks of two layers in each stage")
    widths: tuple[int, ...] = Field(
        (48, 96, 192), min_length=1, description="channels of each of the two streams, stage by stage"
    )
    arm: Arm = Field(
        "rir",
        description="plain: no shortcut; resnet: around each block, on all channels; resnet_init: around each "
        "layer, on the residual stream; rir: around each layer and each block, on the residual stream",
    )
    shortcut: Literal["projection", "padding"] = Field(
        "projection",
        description="shortcut where the shape changes: a learned 1x1 convolution, or zero channels",
    )
    identity: Literal["explicit", "absorbed"] = Field(
        "explicit",
        description="how the identity around a layer is added: to its output, or to its weights (resnet_init, rir)",
    )
    outer_shortcut: bool = Field(
        True,
        description="whether the arm rir has the shortcut around each block; false makes it resnet_init",
    )
    scaling: Scaling = Field(
        "none",
        description="factor on the branch of block l of L: none, uniform 1/sqrt(L), decreasing 1/(sqrt(l) log(l+1))",
    )
    bottleneck: int = Field(128, ge=1, description="width of the code of the autoencoder")

    @model_validator(mode="after")
    def _stages(self) -> Self:
        if len(self.blocks) != len(self.widths):
            raise ValueError(
                f"blocks names {len(self.blocks)} stages, widths {len(self.widths)}: give one width for each stage"
            )
        if min(*self.blocks, *self.widths) < 1:
            raise ValueError("blocks and widths must be at least 1: omit a stage instead of setting it to 0")
        if any(a > b for a, b in zip(self.widths, self.widths[1:])):
            raise ValueError(
                f"widths is {list(self.widths)}: a shortcut cannot reduce the width, so widths must not decrease"
            )
        return self

    @model_validator(mode="after")
    def _options_of_the_arm(self) -> Self:
        if self.identity == "absorbed" and not self.has_streams:
            raise ValueError(
                f"identity: absorbed needs an identity around each layer, and arm {self.arm} has none: "
                "choose arm resnet_init or rir"
            )
        if self.arm != "rir" and not self.outer_shortcut:
            raise ValueError(f"outer_shortcut: false applies to arm rir only, not to {self.arm}: omit it")
        if self.arm == "plain" and self.scaling != "none":
            raise ValueError(
                f"scaling: {self.scaling} needs residual branches, and arm plain has none: omit it"
            )
        return self

    @property
    def has_streams(self) -> bool:
        """Whether the arm treats the two halves of the channels differently."""
        return self.arm in ("resnet_init", "rir")

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order; where there are streams, each stage has a tap for each."""
        halves = ("", "_residual", "_transient") if self.has_streams else ("",)
        stages = tuple(f"h{i}{half}" for i in range(1, len(self.blocks) + 1) for half in halves)
        return ("stem", *stages, *(("pooled", "logits") if regime == "classifier" else ("bottleneck",)))
