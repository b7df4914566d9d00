"""`controls.csv`: every number of every control, in bits, beside the point that it judges."""

from typing import Any

from pydantic import Field, FiniteFloat

from ib_analysis.information.inference.controls import Checked, ControlVerdict
from ib_analysis.information.inference.equivalence import EquivalenceVerdict
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.point import Point
from ib_analysis.spec import Spec
from ib_analysis.units import bits


class ControlRow(Spec):
    """One control of one quantity at one point; `change` is the paired difference to the point's own number.

    `equivalence_p` is the p-value of "the change reaches the margin" by two one-sided tests, `equivalence` their
    verdict at 5 %; empty where the control states no margin.
    """

    control: str = Field(min_length=1)
    encoder: str
    regime: str
    seed: int
    epoch: int = Field(ge=0)
    tap: str
    quantity: Quantity
    bits: FiniteFloat
    stderr_bits: FiniteFloat = Field(ge=0)
    point_bits: FiniteFloat
    change_bits: FiniteFloat
    change_stderr_bits: FiniteFloat = Field(ge=0)
    verdict: ControlVerdict
    rule: str
    n_images: int = Field(ge=1)
    margin_bits: FiniteFloat | None = None
    equivalence_p: FiniteFloat | None = None
    equivalence: EquivalenceVerdict | None = None
    raw_bits: FiniteFloat | None = None
    """Of a shuffled h: by the decoder alone, before it may ignore h."""

    @property
    def point(self) -> Point:
        """The address of the number that the control judges."""
        return Point(self.encoder, self.regime, self.seed, self.epoch, self.tap)


def control_row(
    checked: Checked, control: str, quantity: Quantity, point: Point, *, raw_nats: float | None = None
) -> ControlRow:
    """The row of one check; `raw_nats` is what the decoder alone gives."""
    return ControlRow(
        control=control,
        **point._asdict(),
        quantity=quantity,
        bits=bits(checked.nats),
        stderr_bits=bits(checked.stderr_nats),
        point_bits=bits(checked.point_nats),
        change_bits=bits(checked.change_nats),
        change_stderr_bits=bits(checked.change_stderr_nats),
        verdict=checked.verdict,
        rule=checked.rule,
        n_images=checked.n,
        raw_bits=None if raw_nats is None else bits(raw_nats),
        **_equivalence(checked),
    )


def _equivalence(checked: Checked) -> dict[str, Any]:
    found = checked.equivalence
    if found is None:
        return {}
    return {
        "margin_bits": bits(found.margin),
        "equivalence_p": found.p_value,
        "equivalence": found.verdict,
    }
