"""What the samples of a point differ in from their originals, in sentences beside the images."""

from collections.abc import Iterable

from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.point import Point


def said_of_samples(rows: Iterable[ForgettingRow]) -> dict[Point, tuple[str, ...]]:
    """For each point whose samples were compared: class, squared error, colour, and error by frequency."""
    points: dict[Point, list[ForgettingRow]] = {}
    for row in rows:
        points.setdefault(row.point, []).append(row)
    return {point: tuple(filter(None, _sentences(found))) for point, found in points.items()}


def _sentences(rows: list[ForgettingRow]) -> tuple[str, ...]:
    by_measure = {row.measure: row for row in rows}
    bands = [row for row in rows if row.measure == "frequency"]
    return (
        _class(by_measure.get("class agreement")),
        _error(by_measure.get("squared error")),
        _colour(by_measure.get("lightness"), by_measure.get("colour")),
        _bands(bands),
    )


def _class(row: ForgettingRow | None) -> str:
    if row is None:
        return ""
    other = "" if row.any_image is None else f", another image for {row.any_image:.0%}"
    return (
        f"A classifier of other images takes {row.value:.0%} of the draws for the original's class "
        f"(the original itself for {row.original:.0%}{other})."
    )


def _error(row: ForgettingRow | None) -> str:
    if row is None or row.relative_any_image is None:
        return ""
    own = "" if row.relative_same_class is None else f", {row.relative_same_class:.2f} times one of its class"
    return f"Squared error: {row.relative_any_image:.2f} times that of another image{own}."


def _colour(lightness: ForgettingRow | None, colour: ForgettingRow | None) -> str:
    if lightness is None or colour is None:
        return ""
    if lightness.relative_any_image is None or colour.relative_any_image is None:
        return ""
    return (
        f"Of lightness {lightness.relative_any_image:.2f}, of colour {colour.relative_any_image:.2f} times that of "
        "another image."
    )


def _bands(rows: list[ForgettingRow]) -> str:
    shown = [
        f"{_band(row)}: {row.relative_any_image:.2f}" for row in rows if row.relative_any_image is not None
    ]
    return f"By frequency, in cycles an image: {', '.join(shown)}." if shown else ""


def _band(row: ForgettingRow) -> str:
    low = 0.0 if row.low_cycles is None else row.low_cycles
    return f"from {low:g}" if row.high_cycles is None else f"{low:g} to {row.high_cycles:g}"
