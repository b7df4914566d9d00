"""`agreement.csv`: where the estimators agree with the decoders, one row for each network, quantity and method."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ib_analysis.artefacts import write_text
from ib_analysis.errors import UserError
from ib_analysis.information.agreement import Agreement
from ib_analysis.information.estimate import first_mistake

_ROW = TypeAdapter(Agreement)
_OPTIONAL = ("seed", "tau")


def write_agreement(path: Path, rows: Sequence[Agreement]) -> None:
    """Write the table, atomically; an empty cell is a value that is not defined."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Agreement)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_text(path, text.getvalue())


def read_agreement(path: Path) -> tuple[Agreement, ...]:
    """Read what `write_agreement` wrote.

    Raises:
        UserError: the file is missing, or a value is wrong.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return tuple(_ROW.validate_python(_filled(record)) for record in csv.DictReader(file))
    except OSError:
        raise UserError(f"{path} is missing: run the workflow again, it makes the table.") from None
    except ValidationError as error:
        raise UserError(f"{path}: {first_mistake(error)}; run the workflow again.") from None


def _filled(record: dict[str, str]) -> dict[str, str | None]:
    return {key: None if key in _OPTIONAL and value == "" else value for key, value in record.items()}
