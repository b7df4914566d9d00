"""The base class of every encoder's specification."""

from typing import ClassVar

from ib_analysis.encoders.specs.training import Regime
from ib_analysis.spec import Spec


class EncoderSpec(Spec):
    """Specification of an encoder; it names regimes and taps without building the network."""

    regimes: ClassVar[tuple[Regime, ...]] = ()

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        raise NotImplementedError(f"{type(self).__name__} must name its taps")
