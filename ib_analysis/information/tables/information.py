"""`information.csv`: one row for each (encoder, regime, seed, epoch, tap, quantity)."""

import math
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from ib_analysis.information.inference.fit_checks import Interval
from ib_analysis.information.inference.repeated_fits import FitSpread, RepeatedEstimate
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.point import Point
from ib_analysis.seen_by_network import Seen
from ib_analysis.spec import Spec
from ib_analysis.units import bits, bits_per_dim

DATASET_ALONE: dict[str, Any] = {"encoder": "", "regime": "", "seed": None, "epoch": None, "tap": ""}
"""What stands in place of an address in the row of a quantity of the data set."""
IntervalOf = Literal["calibrated", "images and fits", "images", "exact"]
"""What an interval takes into account, beside the truth itself where that is known.

A calibrated one holds the information with 95 %: it takes in images, fits, and what the decoders themselves are wrong
by on the ladder. The others hold what such decoders read on average.
"""


class InformationRow(Spec):
    """One estimate in nats and in bits; CE(x), H(x) and H(y) are quantities of the data set and have no address.

    `stderr_bits` combines the error over evaluation images and, where it is known, that over fits. `low_bits` to
    `high_bits` is a 95 % interval; `interval` says what it covers. Of an information, `raw_bits` is what its decoder
    gives by itself, `fitted_bits` what is read of images that the decoders were fitted to, and `weight` the share of
    the decoder in the density, the rest of which ignores h or knows the label alone.
    """

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
    stderr_images_bits: FiniteFloat = Field(ge=0)
    stderr_fits_bits: FiniteFloat | None = Field(ge=0)
    """Empty where a single fit leaves it unknown, and where no decoder was fitted."""
    low_bits: FiniteFloat
    high_bits: FiniteFloat
    interval: IntervalOf
    n_fits: int | None = Field(ge=1)
    """Fits whose probabilities were averaged; empty where no decoder was fitted."""
    bound: Bound
    n_images: int = Field(ge=1)
    method: str = Field(min_length=1)
    raw_bits: FiniteFloat | None = None
    fitted_bits: FiniteFloat | None = None
    weight: FiniteFloat | None = Field(None, ge=0, le=1)
    band_bits: FiniteFloat | None = Field(None, ge=0)
    """How far the 95 % band reaches up and down that covers the whole curve of its tap over epochs at once."""
    warnings: str = ""
    """Sentences on when not to trust the number or its error."""
    seen_by_network: Seen | None = None
    """Whether a given network has learned on the images; empty where the workflow trained it on a part of its own."""

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


@dataclass(frozen=True)
class Beside:
    """What stands beside an information, in nats: by its decoder alone, of fitted images, the decoder's share.

    `interval` is calibrated; None where there is no ladder. `warnings` are further sentences.
    """

    raw: float
    fitted: float
    weight: float
    interval: Interval | None = None
    warnings: tuple[str, ...] = ()


def information_row(
    estimate: Estimate,
    point: Point | None = None,
    *,
    n_fits: int | None = None,
    spread: FitSpread | None = None,
    dimensions: int | None = None,
    band_nats: float | None = None,
    beside: Beside | None = None,
    seen_by_network: Seen | None = None,
) -> InformationRow:
    """The row of an estimate at a point, or of the data set alone.

    Args:
        estimate: in nats.
        point: its address; None for a quantity of the data set.
        n_fits: fits whose probabilities were averaged; None where no decoder was fitted.
        spread: how far one of them lies from the mean of fits; None where it is unknown.
        dimensions: sub-pixels of an image, used for image quantities alone.
        band_nats: how far the simultaneous band of its curve reaches up and down.
        beside: of an information, what else is known of it.
        seen_by_network: whether a given network has learned on the images.
    """
    whole = RepeatedEstimate(estimate.value, estimate.stderr, spread, estimate.n, n_fits or 1)
    reach, fits_nats = whole.half_width(), whole.stderr_fits_nats
    per_dim = dimensions is not None and estimate.quantity.of_image
    calibrated = None if beside is None else beside.interval
    interval = calibrated or Interval(estimate.value - reach, estimate.value + reach)
    warnings = (*estimate.warnings, *(beside.warnings if beside else ()))
    address = DATASET_ALONE if point is None else point._asdict()
    return InformationRow(
        **address,
        quantity=estimate.quantity,
        nats=estimate.value,
        bits=bits(estimate.value),
        bits_per_dim=bits_per_dim(estimate.value, dimensions) if per_dim and dimensions else None,
        stderr_bits=bits(whole.stderr_nats),
        stderr_images_bits=bits(estimate.stderr),
        stderr_fits_bits=None if fits_nats is None else bits(fits_nats),
        low_bits=bits(interval.low),
        high_bits=bits(interval.high),
        interval="calibrated" if calibrated else _interval_of(estimate, spread),
        n_fits=n_fits,
        raw_bits=None if beside is None else bits(beside.raw),
        fitted_bits=None if beside is None else bits(beside.fitted),
        weight=None if beside is None else beside.weight,
        bound=estimate.bound,
        n_images=estimate.n,
        method=estimate.method,
        band_bits=None if band_nats is None else bits(band_nats),
        warnings=" ".join(warnings),
        seen_by_network=seen_by_network,
    )


def _interval_of(estimate: Estimate, spread: FitSpread | None) -> IntervalOf:
    if estimate.bound is Bound.EXACT and estimate.stderr == 0.0:
        return "exact"
    return "images" if spread is None else "images and fits"
