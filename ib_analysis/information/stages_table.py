"""`two_stages.csv`: fitting gain and compression of every tap, in bits, with standard errors and verdicts."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from ib_analysis.artefacts import write_text
from ib_analysis.errors import UserError
from ib_analysis.information.estimate import first_mistake
from ib_analysis.information.quantity import Quantity
from ib_analysis.information.two_stages import TwoStages, Verdict
from ib_analysis.units import bits


class StagesRow(BaseModel):
    """The two stages of one quantity at one tap of one network."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    encoder: str
    regime: str
    seed: int
    tap: str
    quantity: Quantity
    first_epoch: int
    peak_epoch: int
    last_epoch: int
    peak_bits: FiniteFloat
    fitting_bits: FiniteFloat
    fitting_stderr_bits: FiniteFloat
    fitting_verdict: Verdict
    compression_bits: FiniteFloat
    compression_stderr_bits: FiniteFloat
    compression_verdict: Verdict
    n_images: int


def stages_row(
    found: TwoStages, encoder: str, regime: str, seed: int, tap: str, quantity: Quantity
) -> StagesRow:
    """The row of one result."""
    return StagesRow(
        encoder=encoder,
        regime=regime,
        seed=seed,
        tap=tap,
        quantity=quantity,
        first_epoch=found.first_epoch,
        peak_epoch=found.peak_epoch,
        last_epoch=found.last_epoch,
        peak_bits=bits(found.peak_nats),
        fitting_bits=bits(found.fitting.nats),
        fitting_stderr_bits=bits(found.fitting.stderr_nats),
        fitting_verdict=found.fitting.verdict,
        compression_bits=bits(found.compression.nats),
        compression_stderr_bits=bits(found.compression.stderr_nats),
        compression_verdict=found.compression.verdict,
        n_images=found.n,
    )


def write_stages(path: Path, rows: Sequence[StagesRow]) -> None:
    """Write the table, atomically."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(StagesRow.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.model_dump(mode="json") for row in rows)
    write_text(path, text.getvalue())


def read_stages(path: Path) -> tuple[StagesRow, ...]:
    """Read what `write_stages` wrote.

    Raises:
        UserError: the file is missing, or a value is wrong.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return tuple(StagesRow.model_validate(record) for record in csv.DictReader(file))
    except OSError:
        raise UserError(f"{path} is missing: run the workflow again, it makes the table.") from None
    except ValidationError as error:
        raise UserError(f"{path}: {first_mistake(error)}; run the workflow again.") from None
