"""I(x; h) against epoch on a separate scale for each tap, which shows changes of a few bits."""

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.information.information_curves import (
    draw_exact,
    draw_series,
    epoch_axis,
    epoch_limits,
)
from ib_analysis.figures.information.series import (
    Panel,
    Row,
    Series,
    bound_sentence,
    epochs,
    exact,
    measured,
    panels_of,
    spread_sentence,
    taps,
)
from ib_analysis.figures.style.direct_labels import settle, thin_tick_labels
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import tap_colours, tap_markers

MEANING = (
    "I(x;h) against training epoch for each tap, in bits per image. Each panel has its own vertical scale, which does "
    "not start at 0: it shows rise and fall at one tap; panels of different taps must not be compared by eye."
)
COLUMNS = 4


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure, the number of images and the kind of bound."""
    known = " Black crosses: exact values, known in closed form." if exact(rows, "I(x;h)") else ""
    return f"{MEANING}{known} {spread_sentence(rows, curves=True)} {bound_sentence(rows, ['I(x;h)'])}"


def draw(rows: Sequence[Row]) -> Figure:
    """Draws one small panel for each tap; each encoder and regime starts a new row of panels."""
    with figure_style():
        series = measured(rows, "I(x;h)")
        cells = [
            (panel, tap) for panel in panels_of(series) for tap in taps(s for s in series if s.panel == panel)
        ]
        widest = max((sum(panel == other for other, _ in cells) for panel, _ in cells), default=1)
        columns = min(COLUMNS, widest)
        places = _places([panel for panel, _ in cells], columns)
        lines = 1 + max((line for line, _ in places), default=0)
        figure = paper_figure(PAGE_INCHES * max(columns, 2) / COLUMNS, 1.5 * lines + 0.2)
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_visible(False)
        for i, ((panel, tap), place) in enumerate(zip(cells, places, strict=True)):
            _panel(grid[place], panel, tap, series, exact(rows, "I(x;h)"))
            first = i == 0 or cells[i - 1][0] != panel
            grid[place].set_title(f"{panel.title}\n{tap}" if first else f" \n{tap}")
        _finish(figure, [grid[place] for place in places], epochs(series) or [0])
        return figure


def _places(owners: Sequence[Panel], columns: int) -> list[tuple[int, int]]:
    """Line and column of each panel: a panel begins a new line, and wraps."""
    places: list[tuple[int, int]] = []
    line = 0
    for panel in dict.fromkeys(owners):
        number = owners.count(panel)
        places += [(line + i // columns, i % columns) for i in range(number)]
        line += ceil(number / columns)
    return places


def _panel(axes: Axes, panel: Panel, tap: str, series: Sequence[Series], known: Sequence[Series]) -> None:
    names = taps([*series, *known])
    axes.set_visible(True)
    epoch_axis(axes)
    draw_series(axes, panel, [s for s in series if s.tap == tap], tap_colours(names), tap_markers(names))
    draw_exact(axes, panel, [s for s in known if s.tap == tap], tap_colours(names))
    axes.set_xlim(*epoch_limits(epochs(s for s in series if s.panel == panel), 1.3))
    axes.set_xlabel("epoch")
    if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
        axes.set_ylabel("I(x;h)\n[bits per image]")


def _finish(figure: Figure, panels: Sequence[Axes], found: Sequence[int]) -> None:
    for axes in panels:
        axes.set_xticks(found)
        axes.locator_params(axis="y", nbins=4)
    settle(figure)
    for axes in panels:
        thin_tick_labels(figure, axes, found, [str(epoch) for epoch in found])
