"""Information against tap, in network order, for several networks."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.information.series import (
    Mutual,
    Row,
    Series,
    bound_sentence,
    ceilings,
    images,
    measured,
    over_seeds,
    panels_of,
    seeds,
    taps,
)
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import tap_colours, tap_markers

QUANTITIES: tuple[Mutual, Mutual] = ("I(x;h)", "I(y;h)")
MEANING = (
    "Information of each tap about the image (top) and about the label (bottom), in network order, in bits per image. "
    "One colour for each network; filled and solid: after training, open and dotted: before."
)
LONG_NAME = 5
"""Longer tap names are rotated."""


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure, the number of images and seeds, and the kinds of bound."""
    number, runs = images(rows), seeds(measured(rows, "I(x;h)"))
    over = f"n = {number:,} evaluation images" if number else "the evaluation images"
    spread = (
        f"Mean and standard deviation of {runs} seeds; {over} each."
        if runs > 1
        else f"Bars: one standard error over {over}; one seed."
    )
    return f"{MEANING} {spread} {bound_sentence(rows)}"


def draw(rows: Sequence[Row]) -> Figure:
    """Draws two panels on a common axis of taps."""
    series = {quantity: over_seeds(measured(rows, quantity)) for quantity in QUANTITIES}
    names = taps(series["I(x;h)"])
    with figure_style():
        figure = paper_figure(PAGE_INCHES, 4.6)
        panels = figure.subplots(2, 1, sharex=True)
        limits = ceilings(rows)
        for axes, quantity, letter, ceiling in zip(
            panels, QUANTITIES, ("CE(x)", "H(y)"), (limits.image_cross_entropy, limits.label_entropy)
        ):
            _panel(axes, series[quantity], names)
            axes.set_ylabel(f"{quantity}  [bits per image]")
            _ceiling(axes, letter, ceiling)
        _tap_axis(panels[1], names)
        _legend(figure, panels[0])
        return figure


def _panel(axes: Axes, series: Sequence[Series], names: Sequence[str]) -> None:
    found = [panel.title for panel in panels_of(series)]
    colours, markers = tap_colours(found), tap_markers(found)
    for panel in panels_of(series):
        ours = {one.tap: one for one in series if one.panel == panel}
        epochs = sorted({epoch for one in ours.values() for epoch in one.epochs})
        for epoch in dict.fromkeys((epochs[0], epochs[-1])):
            _line(axes, ours, names, epoch, panel.title, colours, markers, after=epoch == epochs[-1])


def _line(
    axes: Axes,
    series: Mapping[str, Series],
    names: Sequence[str],
    epoch: int,
    title: str,
    colours: Mapping[str, str],
    markers: Mapping[str, str],
    *,
    after: bool,
) -> None:
    points = [
        (names.index(tap), one.bits[one.epochs.index(epoch)], one.spread_bits[one.epochs.index(epoch)])
        for tap, one in series.items()
        if epoch in one.epochs
    ]
    x, y, error = np.array(sorted(points)).T
    line = axes.errorbar(
        x, y, yerr=error, color=colours[title], marker=markers[title], markersize=4,
        markerfacecolor=colours[title] if after else "white", markeredgewidth=0.8, elinewidth=0.7,
        linestyle="-" if after else ":", label=title if after else None, zorder=4 if after else 3,
    )  # fmt: skip
    line[0].set_gid(f"{title} epoch {epoch}")


def _ceiling(axes: Axes, letter: str, bits: float | None) -> None:
    """Draws a ceiling as a dashed line, unless it is far above the data."""
    top = axes.get_ylim()[1]
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), top)
    if bits is None or bits > 1.5 * top:
        return
    axes.set_ylim(top=max(top, 1.08 * bits))
    axes.axhline(bits, color="0.2", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    axes.annotate(
        letter,
        (1, bits),
        xycoords=axes.get_yaxis_transform(),
        ha="right",
        va="bottom",
        fontsize=8,
        color="0.2",
    )


def _tap_axis(axes: Axes, names: Sequence[str]) -> None:
    slanted = len(names) > 8 or any(len(name) > LONG_NAME for name in names)
    axes.set_xticks(
        range(len(names)), names, rotation=30 if slanted else 0, ha="right" if slanted else "center"
    )
    axes.set_xlabel("tap, in network order")


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(4, max(1, len(labels))))
