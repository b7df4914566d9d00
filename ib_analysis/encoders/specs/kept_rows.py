"""A fixed encoder whose taps keep the top rows of the image: its information is known."""

from typing import ClassVar, Literal

from pydantic import Field

from ib_analysis.encoders.specs.training import Regime
from ib_analysis.spec import Spec


class KeptRowsSpec(Spec):
    """Tap `rows<t>` is the top t rows of the image (M1): on a raster source I(x; h) = H(those rows), exactly."""

    implementation: ClassVar[str] = "ib_analysis.encoders.kept_rows:KeptRows"
    regimes: ClassVar[tuple[Regime, ...]] = ("fixed",)
    kind: Literal["kept_rows"] = "kept_rows"
    rows: tuple[int, ...] = Field((2, 4), min_length=1, description="how many rows each tap keeps, rising")

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        return tuple(f"rows{t}" for t in self.rows)
