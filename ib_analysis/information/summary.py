"""The table for the terminal: what each layer keeps, in bits, with its standard error."""

from collections.abc import Sequence

from ib_analysis.information.estimate import Bound
from ib_analysis.information.quantity import Quantity
from ib_analysis.information.table import InformationRow

_Key = tuple[str, str, int | None, int | None, str]


def summary(rows: Sequence[InformationRow]) -> str:
    """Plain text: regime, epoch, tap, I(x;h) and I(y;h) in bits, one line a layer, in the order of the rows.

    Encoder and seed get a column each where there is more than one. What belongs to the data set alone, CE(x)
    and H(y), stands below the table.
    """
    layers: dict[_Key, dict[Quantity, InformationRow]] = {}
    exact: dict[tuple[_Key, Quantity], InformationRow] = {}
    for row in rows:
        key = (row.encoder, row.regime, row.seed, row.epoch, row.tap)
        if row.bound is Bound.EXACT:
            exact[key, row.quantity] = row
        elif row.tap:
            layers.setdefault(key, {})[row.quantity] = row
    shown = _columns_shown(list(layers))
    header = [name for name, show in zip(("encoder", "regime", "seed", "epoch", "tap"), shown) if show]
    lines = [[*header, "I(x;h) bits", "I(y;h) bits"]]
    for key, found in layers.items():
        labels = ["" if part is None else str(part) for part, show in zip(key, shown) if show]
        x, y = found.get(Quantity.IMAGE_INFORMATION), found.get(Quantity.LABEL_INFORMATION)
        truths = (exact.get((key, q)) for q in (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION))
        cells = (
            _cell(row, 2 + i) + _truth(truth, 2 + i) for i, (row, truth) in enumerate(zip((x, y), truths))
        )
        lines.append([*labels, *cells])
    whole = [f"{row.quantity.value} = {_cell(row, 3)} bits" for row in rows if not row.tap]
    return "\n".join([*_aligned(lines), *whole])


def _columns_shown(keys: Sequence[_Key]) -> tuple[bool, ...]:
    several_encoders = len({(key[0], key[1]) for key in keys}) > len({key[1] for key in keys})
    several_seeds = len({key[2] for key in keys}) > 1
    return several_encoders, True, several_seeds, True, True


def _cell(row: InformationRow | None, decimals: int) -> str:
    return "-" if row is None else f"{row.bits:.{decimals}f} ± {row.stderr_bits:.{decimals}f}"


def _truth(row: InformationRow | None, decimals: int) -> str:
    return "" if row is None else f" (exact {row.bits:.{decimals}f})"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Columns padded to their widest cell: numbers to the right, names to the left."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    names = len(widths) - 2
    return [
        "  ".join(
            cell.ljust(width) if column < names else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        )
        for line in lines
    ]
