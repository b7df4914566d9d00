"""The identity encoder, which loses no information."""

from typing import ClassVar, Literal

from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.training import Regime


class IdentitySpec(EncoderSpec):
    """Its only tap, `image`, is the image itself: I(x; h) = H(x), and CE(x | h) must approach 0."""

    implementation: ClassVar[str] = "ib_analysis.encoders.identity:Identity"
    regimes: ClassVar[tuple[Regime, ...]] = ("fixed",)
    kind: Literal["identity"] = "identity"

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """The one tap."""
        return ("image",)
