"""`information.csv` and `.json`: one row for each (encoder, regime, seed, epoch, tap, quantity)."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from ib_analysis.artefacts import read_json, write_json, write_text
from ib_analysis.errors import UserError
from ib_analysis.information.estimate import Bound, Estimate, first_mistake
from ib_analysis.information.quantity import Quantity
from ib_analysis.units import bits, bits_per_dim


class InformationRow(BaseModel):
    """One row; a quantity of the data set alone, CE(x) or H(y), has no encoder, seed, epoch or tap."""

    model_config = ConfigDict(frozen=True, extra="forbid")
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

    @model_validator(mode="after")
    def _units_agree(self) -> Self:
        if not math.isclose(self.bits, bits(self.nats), rel_tol=1e-6, abs_tol=1e-9):
            raise ValueError(f"bits {self.bits} are not the bits of {self.nats} nats")
        if self.bits_per_dim is not None and not self.quantity.of_image:
            raise ValueError(f"bits_per_dim means nothing for {self.quantity.value}")
        return self


COLUMNS: tuple[str, ...] = tuple(InformationRow.model_fields)


def information_row(
    estimate: Estimate,
    *,
    dimensions: int | None = None,
    encoder: str = "",
    regime: str = "",
    seed: int | None = None,
    epoch: int | None = None,
    tap: str = "",
    band_nats: float | None = None,
) -> InformationRow:
    """The row of an estimate; `dimensions` is the number of sub-pixels, used for image quantities alone."""
    per_dim = dimensions is not None and estimate.quantity.of_image
    return InformationRow(
        encoder=encoder,
        regime=regime,
        seed=seed,
        epoch=epoch,
        tap=tap,
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


def write_information(rows: Sequence[InformationRow], csv_path: Path, json_path: Path) -> None:
    """Write both files, each atomically; numbers read back exactly."""
    records = [row.model_dump(mode="json") for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_text(csv_path, text.getvalue())
    write_json(json_path, records)


def read_information_csv(path: Path) -> tuple[InformationRow, ...]:
    """The rows of `information.csv`.

    Raises:
        UserError: missing file, other columns, or a value that is wrong; file and line are named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(
            f"{path} is missing or no text: run the workflow again, it makes the table."
        ) from None
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise UserError(f"{path} does not have the columns {', '.join(COLUMNS)}: run the workflow again.")
    return tuple(_row(_filled(record), f"{path} line {reader.line_num}") for record in reader)


def read_information_json(path: Path) -> tuple[InformationRow, ...]:
    """The rows of `information.json`; errors as `read_information_csv`."""
    records = read_json(path)
    if not isinstance(records, list):
        raise UserError(f"{path} is not a list of rows: run the workflow again, it makes the table.")
    return tuple(_row(record, f"{path} row {number}") for number, record in enumerate(records, start=1))


def _filled(record: dict[str, str]) -> dict[str, Any]:
    """A CSV record, with None where a number is left empty."""
    optional = {"seed", "epoch", "bits_per_dim", "band_bits"}
    return {key: None if key in optional and value == "" else value for key, value in record.items()}


def _row(record: Any, where: str) -> InformationRow:
    try:
        return InformationRow.model_validate(record)
    except ValidationError as error:
        raise UserError(f"{where}: {first_mistake(error)}; run the workflow again.") from None
