"""`learned.csv`: every information over images that the network has learned on, and over new ones."""

from typing import Any

from pydantic import Field, FiniteFloat

from ib_analysis.information.inference.repeated_fits import RepeatedEstimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.point import Point
from ib_analysis.rows import PointRow
from ib_analysis.units import bits


class LearnedRow(PointRow):
    """One information of one point over both kinds of images, by the same decoders alone, in bits.

    `learned` is over images that the network has learned on, those of the encoder part, `other` over the evaluation
    part, `difference` is the first less the second. No decoder was fitted to an image of either. `low` to `high` is a
    95 % interval over images and, where it is known, fits.
    """

    quantity: Quantity
    learned_bits: FiniteFloat
    learned_low_bits: FiniteFloat
    learned_high_bits: FiniteFloat
    n_learned: int = Field(ge=2)
    other_bits: FiniteFloat
    other_low_bits: FiniteFloat
    other_high_bits: FiniteFloat
    n_other: int = Field(ge=2)
    difference_bits: FiniteFloat
    difference_low_bits: FiniteFloat
    difference_high_bits: FiniteFloat
    n_fits: int = Field(ge=1)


def learned_row(
    point: Point,
    quantity: Quantity,
    learned: RepeatedEstimate,
    other: RepeatedEstimate,
    difference: RepeatedEstimate,
) -> LearnedRow:
    """The row of a point."""
    kinds = {"learned": learned, "other": other, "difference": difference}
    columns: dict[str, Any] = {}
    for name, found in kinds.items():
        reach = found.half_width()
        columns |= {
            f"{name}_bits": bits(found.nats),
            f"{name}_low_bits": bits(found.nats - reach),
            f"{name}_high_bits": bits(found.nats + reach),
        }
    return LearnedRow(
        **point._asdict(),
        quantity=quantity,
        n_learned=learned.n_images,
        n_other=other.n_images,
        n_fits=learned.n_fits,
        **columns,
    )
