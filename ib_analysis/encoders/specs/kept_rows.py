"""A fixed encoder whose taps keep the top rows of the image, so that its information is known."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.training import Regime


class KeptRowsSpec(EncoderSpec):
    """Tap `rows<t>` is the top t rows of the image; on a raster source I(x; h) is exactly the entropy of these rows."""

    implementation: ClassVar[str] = "ib_analysis.encoders.kept_rows:KeptRows"
    regimes: ClassVar[tuple[Regime, ...]] = ("fixed",)
    kind: Literal["kept_rows"] = "kept_rows"
    rows: tuple[int, ...] = Field(
        (2, 4), min_length=1, description="number of rows that each tap keeps, increasing"
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.rows[0] < 1 or any(a >= b for a, b in zip(self.rows, self.rows[1:])):
            raise ValueError(f"rows is {list(self.rows)}: give increasing numbers from 1 on, such as [2, 4]")
        return self

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order."""
        return tuple(f"rows{t}" for t in self.rows)
