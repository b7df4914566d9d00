"""The calibration ladder: what the decoders read of codes against what these hold."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.information.series import Row, column
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import MARKERS, tap_colours

QUANTITIES = ("I(x;h)", "I(y;h)")
MEANING = (
    "What the decoders of this experiment read of codes of its own images, whose information is counted. Marks: the "
    "estimate; bars: the 95 % interval that the other rungs give it. On the line both agree. Filled: rungs that the "
    "intervals of all points rest on; open: rungs that are judged alone. Rotations of one h have equal informations, "
    "and stand at the mean of the others; h of the same class stands at its ceiling H(y)."
)


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure, and says how many rungs lie inside."""
    counted = [
        row for row in rows if column(row, "quantity") == QUANTITIES[0] and column(row, "truth") == "exact"
    ]
    inside = sum(bool(column(row, "inside")) for row in counted)
    return f"{MEANING} {inside} of {len(counted)} intervals of I(x;h) of counted codes hold the truth."


def draw(rows: Sequence[Row]) -> Figure:
    """Draws a panel for each quantity, a colour for each family of rungs."""
    families = list(dict.fromkeys(str(column(row, "family")) for row in rows))
    colours = tap_colours(families)
    with figure_style():
        figure = paper_figure(PAGE_INCHES, 3.4)
        panels = list(figure.subplots(1, len(QUANTITIES)))
        for axes, quantity in zip(panels, QUANTITIES, strict=True):
            found = [row for row in rows if column(row, "quantity") == quantity]
            for family, marker in zip(families, cycle(MARKERS)):
                own = [row for row in found if column(row, "family") == family]
                filled = [row for row in own if column(row, "calibrates")]
                rest = [row for row in own if not column(row, "calibrates")]
                _marks(axes, filled or rest, colours[family], marker, family)
                if filled and rest:
                    _marks(axes, rest, colours[family], marker, "_")
            _frame(axes, found, quantity)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        return figure


def _marks(axes: Axes, rows: Sequence[Row], colour: str, marker: str, name: str) -> None:
    x, y, low, high = (
        np.array([float(column(row, field)) for row in rows])
        for field in ("truth_bits", "estimate_bits", "low_bits", "high_bits")
    )
    filled = bool(rows) and all(bool(column(row, "calibrates")) for row in rows)
    axes.errorbar(
        x, y, yerr=[y - low, high - y], fmt=marker, color=colour, markersize=4, elinewidth=0.7, label=name,
        markerfacecolor=colour if filled else "white",
    )  # fmt: skip


def _frame(axes: Axes, rows: Sequence[Row], quantity: str) -> None:
    most = max([1.0, *(float(column(row, name)) for row in rows for name in ("truth_bits", "high_bits"))])
    axes.plot((0.0, most), (0.0, most), color="0.3", linewidth=0.7, zorder=0)
    axes.axhline(0.0, color="0.8", linewidth=0.5, zorder=0)
    axes.set(xlabel="truth  [bits]", ylabel="estimate  [bits]", title=quantity)
