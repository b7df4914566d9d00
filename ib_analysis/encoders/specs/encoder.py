"""What the specification of every encoder has in common."""

from typing import ClassVar

from ib_analysis.encoders.specs.training import Regime
from ib_analysis.spec import Spec


class EncoderSpec(Spec):
    """A family of networks under study: its regimes and, without building it, its taps."""

    regimes: ClassVar[tuple[Regime, ...]] = ()

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        raise NotImplementedError(f"{type(self).__name__} must name its taps")
