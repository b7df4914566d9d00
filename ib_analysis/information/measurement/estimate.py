"""The record of an estimate: a value in nats, its standard error and its kind of bound."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ib_analysis.information.measurement.quantity import Quantity

DECODERS = "decoders"
"""The method name of the decoders' own estimate, beside the baseline estimators."""


class Bound(StrEnum):
    """Relation of an estimate to the true value, apart from its standard error."""

    LOWER = "lower"
    UPPER = "upper"
    CONSISTENT = "consistent"
    NONE = "none"
    EXACT = "exact"

    @property
    def sentence(self) -> str:
        """The explanation of the bound in the report."""
        return _SENTENCES[self]


_SENTENCES = {
    Bound.LOWER: "In expectation the true value is this or higher.",
    Bound.UPPER: "In expectation the true value is this or lower.",
    Bound.CONSISTENT: "It converges to the true value as the number of images grows.",
    Bound.NONE: "It is an estimate, neither a lower nor an upper bound.",
    Bound.EXACT: "It is exact, by counting or in closed form.",
}


class Estimate(BaseModel):
    """One estimated quantity, in nats per image.

    `stderr` is the standard error over evaluation images alone, without the spread over seeds of the encoder or of the
    decoder. `warnings` are sentences for the reader of the number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    quantity: Quantity
    value: FiniteFloat
    stderr: FiniteFloat = Field(ge=0)
    n: int = Field(ge=1, description="number of evaluation images, or of pairs")
    method: str = Field(min_length=1)
    bound: Bound
    unit: Literal["nats"] = "nats"
    warnings: tuple[str, ...] = ()
