"""The table of controls: the plateau of each point's decoders and the result of every control."""

from collections.abc import Mapping, Sequence

from ib_analysis.figures.style.number_text import measured_text, p_text
from ib_analysis.information.inference.controls import Ranking, ranking, worst
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.point import Point, Target
from ib_analysis.report.content import FitSummary
from ib_analysis.report.tables.table import OF_POINT, Column, Table

MARK = " ‡"
"""Mark of the numbers of a point with a failed control."""
CHANGED = ("half-data", "filters", "budget", "decoder-seed")
NOTE = (
    "Each cell: the value of the point under the control, in bits, and whether it passes. A control is one fit, so the "
    "point beside it is by the one fit of the same seed. shuffled: h of another "
    "image, must be 0 within 3 standard errors or 1 % of the point. Others: one setting of the decoders changed, "
    "may change the point by 10 % or 3 standard errors (paired). A control may pass only because the error is "
    "large: (same, p) means that the change is shown to lie within 1 % or 10 % by two one-sided tests at 5 %, (?, "
    "p) that this is not shown. –: no control."
)


def failing_controls(rows: Sequence[ControlRow]) -> dict[tuple[Point, Target], list[str]]:
    """The names of the controls that fail, by point and target."""
    found: dict[tuple[Point, Target], list[str]] = {}
    for row in rows:
        if row.verdict == "fails":
            found.setdefault((row.point, row.quantity.target), []).append(row.control.replace("-", " "))
    return found


def trust_table(rows: Sequence[ControlRow], fits: Sequence[FitSummary]) -> Table:
    """One row for each controlled (encoder, regime, seed, epoch, tap, quantity)."""
    judged = [row for row in rows if row.control not in ("untrained", "identity")]
    names = list(dict.fromkeys(row.control for row in judged))
    points: dict[tuple[Point, Quantity], dict[str, ControlRow]] = {}
    for row in judged:
        points.setdefault((row.point, row.quantity), {})[row.control] = row
    columns = (
        *OF_POINT,
        Column("quantity"),
        Column("point", "bits", True),
        Column("plateau"),
        *(Column(name.replace("-", " "), "bits") for name in names),
        Column("controls"),
    )
    near = {(fit.point, fit.target): fit.near_plateau for fit in fits if fit.point is not None}
    body = tuple(_row(key, found, names, near) for key, found in points.items())
    return Table(columns, body, NOTE).without_constant("encoder", "seed")


def _row(
    key: tuple[Point, Quantity],
    found: dict[str, ControlRow],
    names: Sequence[str],
    near: Mapping[tuple[Point, Target], bool],
) -> tuple[str, ...]:
    point, quantity = key
    some = next(iter(found.values()))
    plateau = near.get((point, quantity.target))
    cells = [_cell(found.get(name)) for name in names]
    verdict = worst(row.verdict for row in found.values())
    return (
        *map(str, point),
        str(quantity),
        measured_text(some.point_bits, None),
        {True: "yes", False: "no †", None: "–"}[plateau],
        *cells,
        verdict,
    )


def _cell(row: ControlRow | None) -> str:
    if row is None:
        return "–"
    return f"{measured_text(row.bits, row.stderr_bits)}{_same(row)} {row.verdict}"


def _same(row: ControlRow) -> str:
    if row.equivalence is None or row.equivalence_p is None:
        return ""
    word = "same" if row.equivalence == "no change" else "?"
    return f" ({word}, p {p_text(row.equivalence_p)})"


def identity_sentence(rows: Sequence[ControlRow]) -> str:
    """The sentence on CE(x|h) of the control whose h is the image itself."""
    for row in rows:
        if row.control == "identity":
            share = row.bits / row.point_bits
            return (
                f"Identity: with the image itself as h, CE(x|h) is {measured_text(row.bits, row.stderr_bits)} "
                f"bits, {share:.1%} of CE(x) = {measured_text(row.point_bits, None)}; the truth is 0 "
                f"(the control {row.verdict}: {row.rule})."
            )
    return "Identity: not run."


def ranking_sentences(rows: Sequence[ControlRow]) -> tuple[str, ...]:
    """For each changed setting a sentence on whether the order of taps and epochs is preserved."""
    sentences = []
    for name in dict.fromkeys(row.control for row in rows if row.control.startswith(CHANGED)):
        for quantity in (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION):
            found = [row for row in rows if row.control == name and row.quantity is quantity]
            order = ranking([row.point_bits for row in found], [row.bits for row in found])
            if order is not None:
                sentences.append(_ranking(name, quantity, order))
    return tuple(sentences)


def _ranking(name: str, quantity: Quantity, order: Ranking) -> str:
    word = "holds" if order.holds else "does not hold"
    return (
        f"{name.replace('-', ' ')}: the order of {order.points} points by {quantity} {word} "
        f"(Kendall's tau {order.tau:.2f})."
    )
