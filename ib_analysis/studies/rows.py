"""Tables of a study: rows of one kind, as CSV, written whole and checked when read."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ib_analysis.artefacts import write_text
from ib_analysis.errors import UserError
from ib_analysis.spec import Spec

R = TypeVar("R", bound=Spec)


def write_rows(path: Path, kind: type[R], rows: Sequence[R]) -> None:
    """Write the rows under the names of their fields; None is an empty cell; numbers read back exactly."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(kind.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.model_dump(mode="json") for row in rows)
    write_text(path, text.getvalue())


def read_rows(path: Path, kind: type[R]) -> tuple[R, ...]:
    """Read what `write_rows` wrote.

    Raises:
        UserError: the file is missing, has other columns, or a value is wrong; file and line are named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(
            f"{path} is missing or no text: run the workflow again, it makes the table."
        ) from None
    reader = csv.DictReader(io.StringIO(text))
    columns = list(kind.model_fields)
    if list(reader.fieldnames or ()) != columns:
        raise UserError(f"{path} does not have the columns {', '.join(columns)}: run the workflow again.")
    return tuple(_row(kind, record, f"{path} line {reader.line_num}") for record in reader)


def _row(kind: type[R], record: dict[str, str], where: str) -> R:
    empty = {name for name, field in kind.model_fields.items() if field.annotation is not str}
    filled = {name: None if value == "" and name in empty else value for name, value in record.items()}
    try:
        return kind.model_validate(filled)
    except ValidationError as error:
        mistake = error.errors()[0]
        field = ".".join(map(str, mistake["loc"])) or "content"
        raise UserError(f"{where}: {field}: {mistake['msg']}; run the workflow again.") from None
