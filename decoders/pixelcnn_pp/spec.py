"""Specification of PixelCNN++; the defaults are those of the paper (Salimans et al. 2017, section 3)."""

from typing import ClassVar, Literal

from pydantic import Field

from decoders.spec import DecoderSpec

FILTERS_AT_ONCE = 8
MOST_FILTERS = 64


class PixelCNNPPSpec(DecoderSpec):
    """Sizes of the network; the paper has 160 filters, 5 layers in a block and 10 mixture components."""

    implementation: ClassVar[str] = "decoders.pixelcnn_pp.decoder:PixelCNNPP"
    kind: Literal["pixelcnn_pp"] = "pixelcnn_pp"
    filters: int = Field(160, ge=1, description="channels of both streams")
    layers: int = Field(5, ge=1, description="gated residual layers in each block")
    mixtures: int = Field(10, ge=1, description="logistic components per pixel")
    dropout: float = Field(
        0.5, ge=0, lt=1, description="probability that a feature is dropped during the fit"
    )
    context_filters: int = Field(
        64, ge=1, description="channels of the context maps, which every gated layer reads"
    )
    context_layers: int = Field(2, ge=0, description="residual layers between h and the context maps")


def passes_at_once(filters: int) -> bool:
    """Whether maps of so many channels can go through many layers in one operation (`network_pass`).

    Its code works on whole halves of a vector register. With many channels the convolutions of torch are as fast.
    """
    return filters % FILTERS_AT_ONCE == 0 and filters <= MOST_FILTERS
