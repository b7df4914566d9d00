"""What the networks of one experiment keep less what those of another do, at equal taps: a table of the comparison."""

from typing import Literal

from pydantic import Field, FiniteFloat

from ib_analysis.information.inference.network_comparison import Comparison
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.spec import Spec
from ib_analysis.units import bits


class DifferenceRow(Spec):
    """The first experiment less the second, in bits, with its 95 % interval; `scope` is what the verdict speaks of."""

    encoder: str
    regime: str
    epoch: int = Field(ge=0)
    tap: str
    quantity: Quantity
    bits: FiniteFloat
    stderr_bits: FiniteFloat = Field(ge=0)
    low_bits: FiniteFloat
    high_bits: FiniteFloat
    verdict: Literal["more", "less", "undecided"]
    scope: str
    n_images: int = Field(ge=2)


def difference_row(
    found: Comparison, encoder: str, regime: str, epoch: int, tap: str, quantity: Quantity, n_images: int
) -> DifferenceRow:
    """The row of a comparison at one tap and epoch."""
    return DifferenceRow(
        encoder=encoder,
        regime=regime,
        epoch=epoch,
        tap=tap,
        quantity=quantity,
        bits=bits(found.nats),
        stderr_bits=bits(found.stderr_nats),
        low_bits=bits(found.low_nats),
        high_bits=bits(found.high_nats),
        verdict=found.verdict,
        scope=found.scope,
        n_images=n_images,
    )
