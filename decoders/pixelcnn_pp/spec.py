"""Specification of PixelCNN++; defaults are the paper's (Salimans et al. 2017, section 3)."""

from typing import ClassVar, Literal

from pydantic import Field

from decoders.spec import DecoderSpec


class PixelCNNPPSpec(DecoderSpec):
    """Sizes of the network; 160 filters, 5 layers a block and 10 mixtures are the paper's."""

    implementation: ClassVar[str] = "decoders.pixelcnn_pp.decoder:PixelCNNPP"
    kind: Literal["pixelcnn_pp"] = "pixelcnn_pp"
    filters: int = Field(160, ge=1, description="channels of both streams")
    layers: int = Field(5, ge=1, description="gated residual layers in each block")
    mixtures: int = Field(10, ge=1, description="logistic components of a pixel")
    dropout: float = Field(0.5, ge=0, lt=1, description="probability that a feature is dropped in the fit")
    context_filters: int = Field(
        64, ge=1, description="channels of the map that carries h into every gated layer"
    )
    context_layers: int = Field(2, ge=0, description="residual layers that read h before it is injected")
