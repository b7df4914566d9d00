"""Information against epoch: I(x; h) and I(y; h) of each tap during training."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.information.series import (
    Mutual,
    Panel,
    Row,
    Series,
    bound_sentence,
    ceilings,
    epochs,
    exact,
    measured,
    over_seeds,
    panels_of,
    spread_sentence,
    taps,
)
from ib_analysis.figures.style.direct_labels import Name, label_ends, label_points, settle, thin_tick_labels
from ib_analysis.figures.style.figure_style import (
    COLUMN_INCHES,
    EXACT_KEY,
    PAGE_INCHES,
    figure_style,
    paper_figure,
)
from ib_analysis.figures.style.number_text import bits_text
from ib_analysis.figures.style.palette import tap_colours, tap_markers

MEANING = (
    "Information of each tap about the image, I(x;h) (top), and about the label, I(y;h) (bottom), against epoch, "
    "in bits per image. One column for each encoder and regime. The epoch axis is linear up to 1 and logarithmic "
    "beyond, so that it shows the untrained network (epoch 0)."
)
QUANTITIES: tuple[Mutual, Mutual] = ("I(x;h)", "I(y;h)")
FAR_CEILING = 2.2


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure, the number of images and the kinds of bound."""
    known = " Black crosses: exact values, known in closed form." if exact(rows, "I(x;h)") else ""
    return f"{MEANING} Dashed lines: CE(x) and H(y).{known} {spread_sentence(rows, curves=True)} {bound_sentence(rows)}"


def draw(rows: Sequence[Row]) -> Figure:
    """Draws I(x; h) above I(y; h), one column for each encoder and regime, one line for each tap."""
    with figure_style():
        panels = panels_of(measured(rows, "I(x;h)")) or [Panel("no encoder", "no measurement")]
        figure, cells = _cells(panels)
        for panel, pair in cells.items():
            pair[0].set_title(panel.title)
            if any(one.panel == panel for one in exact(rows, "I(x;h)")):
                pair[0].set_title(EXACT_KEY, loc="right", fontsize=8, fontweight="normal")
            for axes, quantity in zip(pair, QUANTITIES, strict=True):
                _panel(axes, panel, quantity, rows)
        _limits(list(cells.values()), rows)
        _finish(figure, cells, rows)
        return figure


def _cells(panels: Sequence[Panel]) -> tuple[Figure, dict[Panel, tuple[Axes, Axes]]]:
    """A pair of axes for each panel; two regimes of an encoder are side by side."""
    columns = len(panels) if len(panels) <= 3 else 2
    lines = ceil(len(panels) / columns)
    figure = paper_figure(PAGE_INCHES if columns > 1 else COLUMN_INCHES, 4.4 * lines)
    grid = figure.subplots(2 * lines, columns, sharex=True, squeeze=False)
    cells = {panel: (grid[2 * (i // columns), i % columns], grid[2 * (i // columns) + 1, i % columns])
             for i, panel in enumerate(panels)}  # fmt: skip
    used = {id(axes) for pair in cells.values() for axes in pair}
    for axes in grid.flat:
        axes.set_visible(id(axes) in used)
    for pair in [pair for i, pair in enumerate(cells.values()) if i % columns == 0]:
        for axes, quantity in zip(pair, QUANTITIES, strict=True):
            axes.set_ylabel(f"{quantity}  [bits per image]")
    return figure, cells


def epoch_axis(axes: Axes) -> None:
    """Makes the epoch axis linear up to 1 and logarithmic beyond."""
    axes.set_xscale("symlog", linthresh=1.0, linscale=0.6)
    axes.set_xticks([], minor=True)


def epoch_limits(epochs: Sequence[int], beyond: float = 1.15) -> tuple[float, float]:
    """Limits of an epoch axis; a single epoch 0 is centred."""
    return (-1.0, 1.0) if list(epochs) == [0] else (-0.25, max(1.25, epochs[-1] * beyond))


def band(axes: Axes, series: Series, colour: str, marker: str) -> None:
    """Draws a line with its simultaneous band, or its spread if it has no band, and its spread as error bars."""
    epoch, bits, spread = (np.array(v, dtype=float) for v in (series.epochs, series.bits, series.spread_bits))
    reach = np.array(series.band_bits) if len(series.band_bits) == len(epoch) else spread
    axes.fill_between(epoch, bits - reach, bits + reach, color=colour, alpha=0.22, linewidth=0, zorder=2)
    axes.errorbar(epoch, bits, yerr=spread, fmt="none", ecolor=colour, elinewidth=0.7, zorder=3)
    line = axes.plot(epoch, bits, color=colour, marker=marker, markersize=3.6, markeredgewidth=0, zorder=4)
    line[0].set_gid(f"{series.quantity} {series.tap}")


def draw_series(
    axes: Axes, panel: Panel, series: Sequence[Series], colours: dict[str, str], markers: dict[str, str]
) -> None:
    """Draws the mean of each tap with its spread, and each seed as a thin line."""
    ours = [one for one in series if one.panel == panel]
    means = over_seeds(ours)
    if len(ours) > len(means):
        for one in ours:
            axes.plot(one.epochs, one.bits, color=colours[one.tap], linewidth=0.4, alpha=0.6, zorder=1)
    for one in means:
        band(axes, one, colours[one.tap], markers[one.tap])


def _panel(axes: Axes, panel: Panel, quantity: Mutual, rows: Sequence[Row]) -> None:
    series, known = measured(rows, quantity), exact(rows, quantity)
    colours = tap_colours(taps([*series, *known]))
    epoch_axis(axes)
    draw_series(axes, panel, series, colours, tap_markers(list(colours)))
    draw_exact(axes, panel, known, colours)


def draw_exact(axes: Axes, panel: Panel, known: Sequence[Series], colours: dict[str, str]) -> None:
    """Draws known information as a black cross at each epoch, joined by a dotted line of the tap's colour."""
    for one in known:
        if one.panel == panel:
            axes.plot(one.epochs, one.bits, color=colours[one.tap], linestyle=(0, (1, 1.2)), zorder=1)
            axes.plot(one.epochs, one.bits, "x", color="black", markersize=5, markeredgewidth=0.9, zorder=5)


def _limits(pairs: Sequence[tuple[Axes, Axes]], rows: Sequence[Row]) -> None:
    """Gives all panels of a quantity the same scale, with room above for the name of its ceiling."""
    found = epochs(measured(rows, "I(x;h)")) or [0]
    for pair in pairs:
        for axes, quantity, ceiling in zip(pair, QUANTITIES, _ceilings(rows), strict=True):
            low, high = extent([*measured(rows, quantity), *exact(rows, quantity)])
            near = ceiling is not None and ceiling <= FAR_CEILING * high
            top = max(high, ceiling) if near and ceiling is not None else high
            low = min(low, 0.0)
            axes.set_ylim(low - 0.03 * (top - low), top + 0.13 * (top - low))
            axes.set_xlim(*epoch_limits(found))


def _ceilings(rows: Sequence[Row]) -> tuple[float | None, float | None]:
    limits = ceilings(rows)
    return limits.image_cross_entropy, limits.label_entropy


def extent(series: Sequence[Series]) -> tuple[float, float]:
    """The lowest and the highest end of any error bar."""
    ends = [
        b + sign * s
        for one in series
        for b, s in zip(one.bits, one.spread_bits, strict=True)
        for sign in (-1, 1)
    ]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _finish(figure: Figure, cells: dict[Panel, tuple[Axes, Axes]], rows: Sequence[Row]) -> None:
    """Writes the names of ceilings and taps and the tick labels, whose positions depend on the layout."""
    found = epochs(measured(rows, "I(x;h)")) or [0]
    every = [axes for pair in cells.values() for axes in pair]
    for pair in cells.values():
        for axes, letter, value in zip(pair, ("CE(x)", "H(y)"), _ceilings(rows), strict=True):
            _ceiling(axes, value, letter)
        pair[0].tick_params(labelbottom=False)
        pair[1].tick_params(labelbottom=True)
        pair[1].set_xlabel("epoch")
        pair[1].set_xticks(found)
    reserve_right(every, taps(measured(rows, "I(x;h)")))
    figure.align_ylabels()
    settle(figure)
    for panel, pair in cells.items():
        for axes, quantity in zip(pair, QUANTITIES, strict=True):
            series = measured(rows, quantity)
            name_lines(
                axes, [one for one in over_seeds(series) if one.panel == panel], tap_colours(taps(series))
            )
    thin_tick_labels(figure, every[1], found, [str(epoch) for epoch in found])


def _ceiling(axes: Axes, value: float | None, letter: str) -> None:
    """Draws a ceiling as a dashed line with its name, or writes its value at the top edge if it is out of range."""
    if value is None:
        return
    words, top = f"{letter} = {bits_text(value)} bits", axes.get_ylim()[1]
    if value < top:
        axes.axhline(value, color="0.2", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    else:
        words = f"{words} \N{UPWARDS ARROW}"
    axes.annotate(
        words, (0.015, min(value, top)), xycoords=axes.get_yaxis_transform(), fontsize=8, color="0.2",
        xytext=(0, 1.5 if value < top else -2), textcoords="offset points",
        va="bottom" if value < top else "top",
    )  # fmt: skip


def reserve_right(every: Sequence[Axes], names: Sequence[str]) -> None:
    """Reserves room beside each panel for the longest name, by an invisible text."""
    for axes in every:
        axes.text(1.06, 0.5, max(names, key=len, default=""), transform=axes.transAxes, fontsize=8, alpha=0.0)


def name_lines(axes: Axes, series: Sequence[Series], colours: dict[str, str]) -> None:
    """Writes the name of each tap beside the end of its line."""
    names = [
        Name(one.tap, np.array([[one.epochs[-1], one.bits[-1]]]), colours[one.tap])
        for one in series
        if one.epochs
    ]
    if names and all(len(one.epochs) == 1 for one in series):
        label_points(axes, names)
    elif names:
        label_ends(axes, names)
