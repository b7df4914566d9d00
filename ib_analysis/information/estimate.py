"""The result record: a number in nats, its standard error, and what may honestly be said of it."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from ib_analysis.errors import UserError
from ib_analysis.information.quantity import Quantity


class Bound(StrEnum):
    """How an estimate relates to the truth, apart from its standard error."""

    LOWER = "lower"
    UPPER = "upper"
    CONSISTENT = "consistent"
    NONE = "none"
    EXACT = "exact"

    @property
    def sentence(self) -> str:
        """What a report says of it."""
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

    `stderr` is the standard error over evaluation images alone; it does not hold what another seed of the
    encoder or of the decoder would have changed. `warnings` are sentences for whoever reads the number.
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

    def to_json(self) -> str:
        """The record as JSON."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record from its JSON.

        Raises:
            UserError: the text is not an estimate; the first field that is wrong is named.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise UserError(f"not an estimate: {first_mistake(error)}; make it again.") from None


def first_mistake(error: ValidationError) -> str:
    """The first thing a validation found wrong, as "field: what"."""
    mistake = error.errors()[0]
    where = ".".join(str(part) for part in mistake["loc"]) or "content"
    return f"{where}: {mistake['msg']}"
