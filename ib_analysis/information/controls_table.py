"""`controls.csv` and `.json`: every number of every control, in bits, beside the point that it judges."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from ib_analysis.artefacts import write_json, write_text
from ib_analysis.errors import UserError
from ib_analysis.information.controls import Checked, Verdict
from ib_analysis.information.equivalence import Verdict as EquivalenceVerdict
from ib_analysis.information.estimate import first_mistake
from ib_analysis.information.quantity import Quantity
from ib_analysis.units import bits


class ControlRow(BaseModel):
    """One control of one quantity at one point; `change` is the paired difference to the point's own number.

    `equivalence_p` is the p-value of "the change reaches the margin" by two one-sided tests, `equivalence` their
    verdict at 5 %; empty where the control states no margin.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
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
    verdict: Verdict
    rule: str
    n_images: int = Field(ge=1)
    margin_bits: FiniteFloat | None = None
    equivalence_p: FiniteFloat | None = None
    equivalence: EquivalenceVerdict | None = None

    @field_validator("margin_bits", "equivalence_p", "equivalence", mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        return None if value == "" else value

    @property
    def point(self) -> tuple[str, str, int, int, str]:
        """Which point of the plane it judges."""
        return self.encoder, self.regime, self.seed, self.epoch, self.tap


def control_row(
    checked: Checked,
    control: str,
    quantity: Quantity,
    *,
    encoder: str,
    regime: str,
    seed: int,
    epoch: int,
    tap: str,
) -> ControlRow:
    """The row of one check."""
    return ControlRow(
        control=control,
        encoder=encoder,
        regime=regime,
        seed=seed,
        epoch=epoch,
        tap=tap,
        quantity=quantity,
        bits=bits(checked.nats),
        stderr_bits=bits(checked.stderr_nats),
        point_bits=bits(checked.point_nats),
        change_bits=bits(checked.change_nats),
        change_stderr_bits=bits(checked.change_stderr_nats),
        verdict=checked.verdict,
        rule=checked.rule,
        n_images=checked.n,
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


def write_controls(rows: Sequence[ControlRow], table: Path, json: Path) -> None:
    """Write both files, each atomically."""
    records = [row.model_dump(mode="json") for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ControlRow.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_text(table, text.getvalue())
    write_json(json, records)


def read_controls(path: Path) -> tuple[ControlRow, ...]:
    """The rows of `controls.csv`.

    Raises:
        UserError: the file is missing, or a value is wrong.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return tuple(ControlRow.model_validate(record) for record in csv.DictReader(file))
    except OSError:
        raise UserError(f"{path} is missing: run the workflow again, it makes the table.") from None
    except ValidationError as error:
        raise UserError(f"{path}: {first_mistake(error)}; run the workflow again.") from None
