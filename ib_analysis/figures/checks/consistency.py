"""Consistency: information against the rows kept in h, and ratios whose values are known for every data set."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.information.series import Row, column
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import MARKERS, tap_colours

RATIOS = ("symmetry", "data processing", "additivity")
WIDEST = 2.0
MEANING = (
    "Properties of every information, tested on real images. Left: I(x; top rows) as a fraction of I(x; all rows) "
    "by the same method, mean over seeds; it must start at 0 and never decrease. Right: measured ratio over "
    "expected ratio (shaded: within 10 %), bars: two standard errors. Filled: shown to be consistent; open: "
    "inconsistent or undecided. Ratios beyond the axis are drawn at its end; undefined ratios are omitted."
)


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure and gives the number of images."""
    counts = {int(column(row, "n")) for row in rows if column(row, "test") == "monotonicity"}
    return f"{MEANING} n = {max(counts):,} evaluation images." if counts else MEANING


def draw(rows: Sequence[Row]) -> Figure:
    """Draws information against kept rows on the left and the ratios on the right, one colour per method."""
    methods = list(dict.fromkeys(str(column(row, "method")) for row in rows))
    colours = tap_colours(methods)
    with figure_style():
        figure = paper_figure(PAGE_INCHES, 3.0)
        left, right = figure.subplots(1, 2)
        for method, marker in zip(methods, cycle(MARKERS)):
            own = [row for row in rows if column(row, "method") == method]
            _baseline(left, own, colours[method], marker, method.replace("_", " "))
        left.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
        left.set(xlabel="top rows kept in h", ylabel="I(x; rows) / I(x; all rows)", ylim=(-0.1, 1.4))
        _ratios(right, rows, methods, colours)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        return figure


def curve(rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    """Numbers of kept rows, and I(x; rows) / I(x; all rows) of one method, averaged over seeds."""
    shares: dict[int, list[float]] = {}
    for row in rows:
        whole, shown = float(column(row, "reference_bits")), int(column(row, "rows"))
        nothing = column(row, "test") == "independence" and shown == 0
        if (nothing or column(row, "test") == "monotonicity") and whole > 0:
            shares.setdefault(shown, []).append(float(column(row, "measured_bits")) / whole)
    return sorted(shares), [float(np.mean(shares[shown])) for shown in sorted(shares)]


def _baseline(axes: Axes, rows: Sequence[Row], colour: str, marker: str, label: str) -> None:
    shown, shares = curve(rows)
    axes.plot(shown, shares, color=colour, marker=marker, markersize=4, linewidth=1.0, label=label)


def _ratios(axes: Axes, rows: Sequence[Row], methods: Sequence[str], colours: dict[str, str]) -> None:
    axes.axvspan(0.9, 1.1, color="0.9", zorder=0)
    axes.axvline(1.0, color="0.5", linewidth=0.6, zorder=1)
    for line, test in enumerate(RATIOS):
        found = [r for r in rows if column(r, "test") == test and column(r, "statistic") is not None]
        for row in found:
            method = str(column(row, "method"))
            at = line + 0.7 * ((methods.index(method) + 0.5) / len(methods) - 0.5)
            _mark(axes, row, at, colours[method], MARKERS[methods.index(method) % len(MARKERS)])
    axes.set_yticks(range(len(RATIOS)), [f"{test}" for test in RATIOS])
    axes.set(xlim=(-0.05, WIDEST), xlabel="measured ratio / expected ratio")
    axes.invert_yaxis()


def _mark(axes: Axes, row: Row, at: float, colour: str, marker: str) -> None:
    expected = float(column(row, "expected"))
    value, error = float(column(row, "statistic")) / expected, float(column(row, "stderr")) / expected
    consistent = column(row, "verdict") == "consistent"
    shown = min(max(value, 0.0), WIDEST - 0.05)
    axes.errorbar(
        shown, at, xerr=2 * error, color=colour, marker=marker, markersize=4, elinewidth=0.7,
        markerfacecolor=colour if consistent else "white", zorder=3,
    )  # fmt: skip
