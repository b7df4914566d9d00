"""`information.csv`: one row for each (encoder, regime, seed, epoch, tap, quantity)."""

import math
from typing import Any, Self

from pydantic import Field, FiniteFloat, model_validator

from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.point import Point
from ib_analysis.spec import Spec
from ib_analysis.units import bits, bits_per_dim

DATASET_ALONE: dict[str, Any] = {"encoder": "", "regime": "", "seed": None, "epoch": None, "tap": ""}
"""What stands in place of an address in the row of a quantity of the data set."""


class InformationRow(Spec):
    """One estimate in nats and in bits; CE(x), H(x) and H(y) are quantities of the data set and have no address."""

    encoder: str
    regime: str
    seed: int | None
    epoch: int | None = Field(ge=0)
    tap: str
    quantity: Quantity
    nats: FiniteFloat
    bits: FiniteFloat
    bits_per_dim: FiniteFloat | None
    stderr_bits: FiniteFloat = Field(ge=0)
    bound: Bound
    n_images: int = Field(ge=1)
    method: str = Field(min_length=1)
    band_bits: FiniteFloat | None = Field(None, ge=0)
    """How far the 95 % band reaches up and down that covers the whole curve of its tap over epochs at once."""
    warnings: str = ""
    """Sentences on when not to trust the number or its error."""

    @property
    def point(self) -> Point | None:
        """The address of the number; None for a quantity of the data set alone."""
        if self.seed is None or self.epoch is None:
            return None
        return Point(self.encoder, self.regime, self.seed, self.epoch, self.tap)

    @model_validator(mode="after")
    def _units_agree(self) -> Self:
        if not math.isclose(self.bits, bits(self.nats), rel_tol=1e-6, abs_tol=1e-9):
            raise ValueError(f"bits {self.bits} are not the bits of {self.nats} nats")
        if self.bits_per_dim is not None and not self.quantity.of_image:
            raise ValueError(f"bits_per_dim means nothing for {self.quantity.value}")
        return self


def information_row(
    estimate: Estimate,
    point: Point | None = None,
    *,
    dimensions: int | None = None,
    band_nats: float | None = None,
) -> InformationRow:
    """The row of an estimate at a point, or of the data set alone.

    Args:
        estimate: in nats.
        point: its address; None for a quantity of the data set.
        dimensions: sub-pixels of an image, used for image quantities alone.
        band_nats: how far the simultaneous band of its curve reaches up and down.
    """
    per_dim = dimensions is not None and estimate.quantity.of_image
    address = DATASET_ALONE if point is None else point._asdict()
    return InformationRow(
        **address,
        quantity=estimate.quantity,
        nats=estimate.value,
        bits=bits(estimate.value),
        bits_per_dim=bits_per_dim(estimate.value, dimensions) if per_dim and dimensions else None,
        stderr_bits=bits(estimate.stderr),
        bound=estimate.bound,
        n_images=estimate.n,
        method=estimate.method,
        band_bits=None if band_nats is None else bits(band_nats),
        warnings=" ".join(estimate.warnings),
    )
