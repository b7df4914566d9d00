"""The information plane of one network by every estimator, one small panel each."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ib_analysis.figures.information.series import Row, column, network_of
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import epoch_colours, tap_markers
from ib_analysis.information.measurement.estimate import DECODERS
from ib_analysis.point import Network

COLUMNS = 4
MOST_TICKS = 4
LEAST_SPAN = 0.5
"""Smallest range of an axis, in bits."""
MEANING = (
    "I(y;h) against I(x;h) of one network by every estimator on the same images, in bits per image; each panel has its "
    "own scale. One trajectory for each tap (shape), colour: epoch, bars: one standard error. Where a method estimates "
    "only one of the two, the panel shows the decoders' estimate of the other and says so."
)
Values = dict[tuple[str, int], tuple[float, float]]


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure and gives the number of images."""
    counts = sorted({int(column(row, "n_images")) for row in rows})
    if not counts:
        return MEANING
    over = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    return f"{MEANING} n = {over} images."


def networks(rows: Sequence[Row]) -> list[Network]:
    """Every measured network."""
    return list(dict.fromkeys(map(network_of, rows)))


def draw(rows: Sequence[Row], network: Network) -> Figure:
    """Draws one panel for each method, the decoders' first."""
    ours = [row for row in rows if network_of(row) == network]
    methods = list(dict.fromkeys(str(column(row, "method")) for row in ours))
    found = {method: (_values(ours, method, "I(x;h)"), _values(ours, method, "I(y;h)")) for method in methods}
    own = found.get(DECODERS, ({}, {}))
    epochs = sorted({int(column(row, "epoch")) for row in ours})
    taps = list(dict.fromkeys(str(column(row, "tap")) for row in ours))
    with figure_style():
        lines = ceil(len(methods) / COLUMNS)
        figure = paper_figure(PAGE_INCHES, 1.55 * lines + 0.55)
        grid = list(figure.subplots(lines, COLUMNS, squeeze=False).flat)
        for axes in grid[len(methods) :]:
            axes.set_visible(False)
        for axes, method in zip(grid, methods):
            _panel(axes, method, found[method], own, epochs, taps)
        _keys(figure, grid[: len(methods)], epochs, taps)
        figure.supxlabel("I(x;h)  [bits per image]", fontsize=8)
        figure.supylabel("I(y;h)  [bits per image]", fontsize=8)
        return figure


def _values(rows: Sequence[Row], method: str, quantity: str) -> Values:
    return {
        (str(column(row, "tap")), int(column(row, "epoch"))): (
            float(column(row, "bits")),
            float(column(row, "stderr_bits")),
        )
        for row in rows
        if column(row, "method") == method and column(row, "quantity") == quantity
    }


def _panel(
    axes: Axes,
    method: str,
    found: tuple[Values, Values],
    own: tuple[Values, Values],
    epochs: Sequence[int],
    taps: Sequence[str],
) -> None:
    axes.set_title(method.replace("_", " "), fontsize=8)
    x, y = found[0] or own[0], found[1] or own[1]
    _borrowed(axes, bool(found[0]), bool(found[1]))
    colours, norm = epoch_colours(epochs)
    markers = tap_markers(taps)
    for tap in taps:
        both = [e for e in epochs if (tap, e) in x and (tap, e) in y]
        if not both:
            continue
        a, b = (np.array([values[tap, e] for e in both]) for values in (x, y))
        axes.plot(a[:, 0], b[:, 0], color="0.6", linewidth=0.7, zorder=2)
        axes.errorbar(
            a[:, 0], b[:, 0], xerr=a[:, 1], yerr=b[:, 1], fmt="none", ecolor="0.25", elinewidth=0.5, zorder=3
        )
        marks = axes.scatter(
            a[:, 0], b[:, 0], c=[epochs.index(e) for e in both], cmap=colours, norm=norm, marker=markers[tap],
            s=12, edgecolors="0.15", linewidths=0.4, zorder=4,
        )  # fmt: skip
        marks.set_gid(f"{method} {tap}")
    axes.margins(0.12)
    axes.locator_params(nbins=MOST_TICKS)
    axes.set_xlim(*at_least(axes.get_xlim(), LEAST_SPAN))
    axes.set_ylim(*at_least(axes.get_ylim(), LEAST_SPAN))


def at_least(ends: tuple[float, float], span: float) -> tuple[float, float]:
    """Widens limits to a minimal span, so that rounding errors do not fill a panel.

    >>> at_least((8.0, 8.0), 0.5), at_least((0.0, 9.0), 0.5)
    ((7.75, 8.25), (0.0, 9.0))
    """
    missing = max(0.0, span - (ends[1] - ends[0])) / 2
    return ends[0] - missing, ends[1] + missing


def _borrowed(axes: Axes, has_image: bool, has_label: bool) -> None:
    """Names the axis that shows the decoders' estimate."""
    words = [] if has_image else ["I(x;h) of decoders"]
    words += [] if has_label else ["I(y;h) of decoders"]
    if words:
        axes.annotate(
            words[0], (0.5, 0.02), xycoords="axes fraction", ha="center", va="bottom", fontsize=8, color="0.35"
        )  # fmt: skip


def lines_of(grid: Sequence[Axes]) -> int:
    """Number of rows of panels."""
    return ceil(len(grid) / COLUMNS)


def _keys(figure: Figure, grid: Sequence[Axes], epochs: Sequence[int], taps: Sequence[str]) -> None:
    colours, norm = epoch_colours(epochs)
    bar = figure.colorbar(
        ScalarMappable(norm, colours),
        ax=list(grid),
        aspect=28,
        pad=0.015,
        shrink=min(1.0, 2.2 / lines_of(grid)),
    )
    bar.set_ticks(list(range(len(epochs))), labels=[str(epoch) for epoch in epochs])
    bar.ax.tick_params(length=0, which="both")
    bar.ax.set_title("epoch", fontsize=8, fontweight="normal", loc="center")
    markers = tap_markers(taps)
    handles = [
        Line2D(
            [], [], marker=markers[tap], linestyle="none", color="0.6", markeredgecolor="0.15",
            markersize=4, label=tap,
        )
        for tap in taps
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper center", ncols=min(8, len(taps)), fontsize=8)
