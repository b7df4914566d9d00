"""The quantized form of any trainable encoder."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.trainable import TrainableArchitecture
from ib_analysis.encoders.specs.training import Regime

Bits = Literal[2, 4, 8, "bf16"]
FewBits = Literal[2, 4, 8]
SUFFIX = "_quantized"


class QuantizedSpec(EncoderSpec):
    """A trainable encoder under fake quantization (Abdolrashidi et al. 2021).

    Each tap of the network is followed by its quantized form: h2 by h2_quantized, the same tensor at the bits of the
    layers that read it. No layer reads the logits of a classifier, so they have no quantized form.
    """

    implementation: ClassVar[str] = "ib_analysis.encoders.quantized:Quantized"
    regimes: ClassVar[tuple[Regime, ...]] = ("classifier", "autoencoder")
    kind: Literal["quantized"] = "quantized"
    network: TrainableArchitecture = Field(description="the network to quantize: any trainable architecture")
    weight_bits: Bits = Field(4, description="bits of the weights of convolutions and linear layers")
    activation_bits: Bits = Field(4, description="bits of the inputs of these layers")
    end_bits: FewBits = Field(
        8, description="bits of weights and activations of the first and the last layer; bf16 stays bf16"
    )
    part_bits: dict[str, FewBits] = Field(
        {},
        description="bits of the weights and inputs of the layers of a part of the network, but for its ends, in place "
        "of weight_bits and activation_bits; a part has the name of the tap that it ends at: {h1: 8}",
    )
    start_step: int = Field(
        7500,
        ge=1,
        description="steps that collect the bounds of activations; later steps quantize activations with these bounds",
    )

    @field_validator("network", mode="before")
    @classmethod
    def _as_a_slice_spells_it(cls, network: Any) -> Any:
        """Accepts the form of a slice, in which the inner network names its implementation for the code digest."""
        if isinstance(network, Mapping) and set(network) == {"implementation", "spec"}:
            return network["spec"]
        return network

    @model_validator(mode="after")
    def _parts_exist(self) -> Self:
        parts = list(dict.fromkeys(tap for regime in self.regimes for tap in self.network.tap_names(regime)))
        for part in self.part_bits:
            if part not in parts:
                raise ValueError(
                    f"part_bits: {self.network.kind} has no part {part!r}; its taps are {', '.join(parts)}"
                )
        return self

    def described(self) -> dict[str, Any]:
        """The spec with its implementation, and the inner network with its own."""
        found = super().described()
        return found | {"spec": found["spec"] | {"network": self.network.described()}}

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        taps = self.network.tap_names(regime)
        return tuple(name for tap in taps for name in (tap, *self.quantized_form(tap)))

    @staticmethod
    def quantized_form(tap: str) -> tuple[str, ...]:
        """Name of the quantized form of a tap; none for the logits."""
        return () if tap == "logits" else (f"{tap}{SUFFIX}",)
