"""What the samples of a sheet differ in from their originals, beside two other images."""

from collections.abc import Iterator, Mapping, Sequence

from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.point import Point
from ib_analysis.report.tables.table import Column, Table

KINDS = {"squared error": "squared error", "lightness": "of lightness", "colour": "of colour"}
NOTE = (
    "Class told: share of images that a classifier, trained on other images, tells to be of the original's class. "
    "Other columns: squared error against the original, divided by that of any other image; a band holds frequencies "
    "in cycles an image. 0 is the original itself, 1 is an image that shares nothing with it. ±: one standard error "
    "over originals."
)

Measure = tuple[str, float | None]
"""A measure and, of a band of frequency, its lower limit."""


def forgetting_table(rows: Sequence[ForgettingRow], points: Sequence[Point]) -> Table:
    """A row for each of these points whose samples were compared, then one for each other image; empty without.

    Args:
        rows: forgetting.csv.
        points: those of a sheet, either of one tap or of one epoch.
    """
    found: dict[Point, dict[Measure, ForgettingRow]] = {point: {} for point in points}
    for row in rows:
        if row.point in found:
            found[row.point][row.measure, row.low_cycles] = row
    compared = {point: own for point, own in found.items() if own}
    if not compared:
        return Table((), ())
    first = next(iter(compared.values()))
    same_tap = len({point.tap for point in points}) == 1
    columns = (Column("draws"), *(Column(_head(row), number=True) for row in first.values()))
    names = {point: f"epoch {point.epoch}" if same_tap else point.tap for point in compared}
    body = tuple((names[point], *map(_cell, own.values())) for point, own in compared.items())
    row = next(iter(first.values()))
    counted = f" n = {row.n_images} originals, {row.n_draws} draws of each."
    return Table(columns, (*body, *_others(first)), NOTE + counted)


def _head(row: ForgettingRow) -> str:
    if row.measure == "class agreement":
        return "class told"
    return f"{_band(row)} cycles" if row.measure == "frequency" else KINDS[row.measure]


def _band(row: ForgettingRow) -> str:
    low = 0.0 if row.low_cycles is None else row.low_cycles
    return f"from {low:g}" if row.high_cycles is None else f"{low:g} to {row.high_cycles:g}"


def _cell(row: ForgettingRow) -> str:
    if row.measure == "class agreement":
        return _percent(row.value, row.stderr)
    return _ratio(row.relative_any_image, row.relative_any_image_stderr)


def _others(measures: Mapping[Measure, ForgettingRow]) -> Iterator[tuple[str, ...]]:
    """The same of another image of the class and of any other image, in place of a draw."""
    yield "another image of its class", *(_same_class(row) for row in measures.values())
    yield "any other image", *(_any_image(row) for row in measures.values())


def _same_class(row: ForgettingRow) -> str:
    if row.measure == "class agreement":
        return _percent(row.same_class)
    if row.same_class is None or not row.any_image:
        return _ratio(None)
    return _ratio(row.same_class / row.any_image)


def _any_image(row: ForgettingRow) -> str:
    return _percent(row.any_image) if row.measure == "class agreement" else "1"


def _percent(share: float | None, stderr: float | None = None) -> str:
    """
    >>> _percent(0.8125, 0.0915), _percent(0.0985), _percent(None)
    ('81 ± 9 %', '10 %', '–')
    """
    if share is None:
        return "–"
    return f"{100 * share:.0f} %" if stderr is None else f"{100 * share:.0f} ± {100 * stderr:.0f} %"


def _ratio(ratio: float | None, stderr: float | None = None) -> str:
    """
    >>> _ratio(0.318, 0.068), _ratio(0.538), _ratio(None)
    ('0.32 ± 0.07', '0.54', '–')
    """
    if ratio is None:
        return "–"
    return f"{ratio:.2f}" if stderr is None else f"{ratio:.2f} ± {stderr:.2f}"
