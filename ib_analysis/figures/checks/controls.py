"""Controls: each point measured again with one setting changed, or with the h of another image."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.information.series import Row, column
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import MARKERS, OKABE_ITO

QUANTITIES = ("I(x;h)", "I(y;h)")
NOT_DRAWN = ("untrained", "identity")
MEANING = (
    "Horizontal axis: the point as measured. Vertical axis: the same point with one setting of the decoders "
    "changed (on the line: no change), or with h shuffled between images (must be 0). Bars: two standard errors "
    "over images, of the paired change where a setting is changed. Shaded: within 10 % of the point, where a "
    "control passes. Open marks: controls that fail."
)


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure and gives the number of images."""
    counts = {int(n) for row in rows if (n := column(row, "n_images"))}
    return f"{MEANING} n = {counts.pop():,} evaluation images." if len(counts) == 1 else MEANING


def draw(rows: Sequence[Row]) -> Figure:
    """Draws one panel per quantity, with one colour and shape per control."""
    shown = [row for row in rows if column(row, "control") not in NOT_DRAWN]
    names = list(dict.fromkeys(str(column(row, "control")) for row in shown))
    with figure_style():
        figure = paper_figure(PAGE_INCHES, 3.0)
        grid = figure.subplots(1, 2)
        for axes, quantity in zip(grid, QUANTITIES):
            _panel(axes, quantity, [row for row in shown if column(row, "quantity") == quantity], names)
        handles, labels = grid[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)))
        return figure


def _panel(axes: Axes, quantity: str, rows: Sequence[Row], names: Sequence[str]) -> None:
    axes.set_title(quantity)
    axes.set_xlabel(f"{quantity} of the point  [bits per image]")
    axes.set_ylabel(f"{quantity} under the control  [bits per image]")
    top = max([float(column(row, "point_bits")) for row in rows], default=1.0)
    line = np.array([0.0, 1.08 * max(top, 1e-3)])
    axes.plot(line, line, color="0.3", linewidth=0.7, zorder=1)
    axes.fill_between(line, 0.9 * line, 1.1 * line, color="0.92", linewidth=0, zorder=0)
    axes.axhline(0.0, color="0.3", linewidth=0.7, zorder=1)
    for i, name in enumerate(names):
        _marks(axes, [row for row in rows if column(row, "control") == name], name, i)


def _marks(axes: Axes, rows: Sequence[Row], name: str, i: int) -> None:
    colour, marker = OKABE_ITO[i % len(OKABE_ITO)], MARKERS[i % len(MARKERS)]
    x = np.array([float(column(row, "point_bits")) for row in rows])
    y = np.array([float(column(row, "bits")) for row in rows])
    error = np.array([float(column(row, "change_stderr_bits")) for row in rows])
    fails = np.array([column(row, "verdict") == "fails" for row in rows], dtype=bool)
    axes.errorbar(x, y, yerr=2 * error, fmt="none", ecolor=colour, elinewidth=0.8, zorder=2)
    faces = [colour if not failed else "white" for failed in fails]
    marks = axes.scatter(
        x, y, marker=marker, s=20, c=faces or None, edgecolors=colour, linewidths=0.9, zorder=3
    )
    marks.set_gid(f"control {name}")
    axes.plot([], [], marker, color=colour, markersize=4.5, linestyle="none", label=name.replace("-", " "))
