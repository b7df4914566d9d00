"""Tables as CSV: one frozen class a table, one column a field, written whole and checked when read."""

import csv
import dataclasses
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar, get_type_hints

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from decoders.training.failures import reading
from ib_analysis.artefacts import write_text
from ib_analysis.errors import UserError
from ib_analysis.point import Point
from ib_analysis.spec import Spec

R = TypeVar("R")
REMEDY = "remove it and run the workflow again"


class PointRow(Spec):
    """A row that is of one point, whose address are its first columns."""

    encoder: str
    regime: str
    seed: int
    epoch: int = Field(ge=0)
    tap: str

    @property
    def point(self) -> Point:
        """The address."""
        return Point(self.encoder, self.regime, self.seed, self.epoch, self.tap)


def columns(kind: type) -> tuple[str, ...]:
    """The names of the columns of a table whose rows are of that class, a pydantic model or a dataclass."""
    if issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    raise TypeError(f"{kind.__name__} is neither a pydantic model nor a dataclass")


def write_rows(path: Path, kind: type[R], rows: Sequence[R]) -> None:
    """Write the rows under the names of their fields; None is an empty cell; numbers read back exactly."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(kind), lineterminator="\n")
    writer.writeheader()
    adapter = TypeAdapter(kind)
    writer.writerows(adapter.dump_python(row, mode="json") for row in rows)
    write_text(path, text.getvalue())


def read_rows(path: Path, kind: type[R]) -> tuple[R, ...]:
    """Read what `write_rows` wrote.

    Raises:
        UserError: the file is missing, has other columns, or a value is wrong; file, line and column are named.
    """
    with reading(path, "is no table", REMEDY, UserError):
        lines = tuple(_numbered(path.read_text(encoding="utf-8")))
    expected, found = columns(kind), tuple(lines[0][1]) if lines else ()
    if found != expected:
        raise UserError(f"{path} does not have the columns {', '.join(expected)}: {REMEDY}.")
    hints = get_type_hints(kind)
    texts = frozenset(name for name in expected if hints[name] is str)
    adapter = TypeAdapter(kind)
    numbered = ((f"{path} line {number}", cells) for number, cells in lines[1:])
    return tuple(_row(adapter, _record(expected, texts, cells, where), where) for where, cells in numbered)


def _numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each record with the number of its last line."""
    reader = csv.reader(io.StringIO(text), strict=True)
    for cells in reader:
        yield reader.line_num, cells


def _record(
    names: Sequence[str], texts: frozenset[str], cells: Sequence[str], where: str
) -> dict[str, str | None]:
    """The cells by column; an empty one is None, but in a column of text it is the empty text."""
    if len(cells) != len(names):
        raise UserError(f"{where} has {len(cells)} cells for {len(names)} columns: {REMEDY}.")
    return {n: None if c == "" and n not in texts else c for n, c in zip(names, cells, strict=True)}


def _row(adapter: TypeAdapter[R], record: dict[str, str | None], where: str) -> R:
    try:
        return adapter.validate_python(record)
    except ValidationError as error:
        mistake = error.errors()[0]
        column = f", column {'.'.join(map(str, mistake['loc']))}" if mistake["loc"] else ""
        raise UserError(f"{where}{column}: {mistake['msg']}; {REMEDY}.") from None
