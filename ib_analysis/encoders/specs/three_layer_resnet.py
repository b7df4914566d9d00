"""The three-layer ResNet of Allen-Zhu & Li as a network that reads images."""

from typing import ClassVar, Literal

from pydantic import Field

from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.training import Regime


class ThreeLayerResNetSpec(EncoderSpec):
    """out1 = A relu(W (x, 1)), out = out1 + A relu(V (out1, 1)) of all pixels x; A is random and never trained.

    A classifier ends in a linear layer that reads `out`; for an autoencoder `out` is the code.
    """

    implementation: ClassVar[str] = "ib_analysis.encoders.three_layer_resnet:ThreeLayerResNet"
    regimes: ClassVar[tuple[Regime, ...]] = ("classifier", "autoencoder")
    kind: Literal["three_layer_resnet"] = "three_layer_resnet"
    width: int = Field(500, ge=1, description="hidden units of each of the two blocks")
    code: int = Field(16, ge=1, description="length of out1 and of out, the code of the autoencoder")

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        return ("hidden1", "out1", "hidden2", "out", *(("logits",) if regime == "classifier" else ()))
