"""The table for the terminal: what each layer keeps, in bits, with its 95 % interval."""

from collections.abc import Sequence

from tabulate import tabulate

from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.point import Point
from ib_analysis.seen_by_network import seen_sentence


def summary(rows: Sequence[InformationRow]) -> str:
    """Plain text: regime, epoch, tap, I(x;h) and I(y;h) in bits, one line a layer, in the order of the rows.

    Encoder and seed get a column each where there is more than one. What belongs to the data set alone, CE(x)
    and H(y), stands below the table.
    """
    layers: dict[Point, dict[Quantity, InformationRow]] = {}
    exact: dict[tuple[Point, Quantity], InformationRow] = {}
    for row in rows:
        if row.point is None:
            continue
        if row.bound is Bound.EXACT:
            exact[row.point, row.quantity] = row
        else:
            layers.setdefault(row.point, {})[row.quantity] = row
    shown = _columns_shown(list(layers))
    header = [name for name, show in zip(Point._fields, shown) if show]
    lines = [[*header, "I(x;h) bits, 95 %", "I(y;h) bits, 95 %"]]
    for point, found in layers.items():
        labels = [str(part) for part, show in zip(point, shown) if show]
        x, y = found.get(Quantity.IMAGE_INFORMATION), found.get(Quantity.LABEL_INFORMATION)
        truths = (exact.get((point, q)) for q in (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION))
        cells = (
            _cell(row, 2 + i) + _truth(truth, 2 + i) for i, (row, truth) in enumerate(zip((x, y), truths))
        )
        lines.append([*labels, *cells])
    whole = [f"{row.quantity.value} = {_cell(row, 3)} bits" for row in rows if row.point is None]
    return "\n".join(
        [
            tabulate(
                lines,
                tablefmt="plain",
                colalign=["left"] * len(header) + ["right"] * 2,
                disable_numparse=True,
            ),
            *whole,
            *([said] if (said := _seen(rows)) else []),
        ]
    )


def _seen(rows: Sequence[InformationRow]) -> str:
    return seen_sentence({row.encoder: row.seen_by_network for row in rows if row.point is not None})


def _columns_shown(points: Sequence[Point]) -> tuple[bool, ...]:
    several_encoders = len({(p.encoder, p.regime) for p in points}) > len({p.regime for p in points})
    several_seeds = len({point.seed for point in points}) > 1
    return several_encoders, True, several_seeds, True, True


def _cell(row: InformationRow | None, decimals: int) -> str:
    if row is None:
        return "-"
    value, low, high = (f"{bits:.{decimals}f}" for bits in (row.bits, row.low_bits, row.high_bits))
    return value if row.interval == "exact" else f"{value} [{low}, {high}]"


def _truth(row: InformationRow | None, decimals: int) -> str:
    return "" if row is None else f" (exact {row.bits:.{decimals}f})"
