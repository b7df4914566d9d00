"""The information plane epoch by epoch: the frames of a movie, and the same frames on one sheet."""

from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from decoders.training.atomic_file import replacing
from ib_analysis.figures.information import information_plane
from ib_analysis.figures.information.information_plane import draw_panel, horizontal_name, set_common_limits
from ib_analysis.figures.information.series import (
    Panel,
    Row,
    ceilings,
    column,
    epochs,
    measured,
    panels_of,
    taps,
)
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import tap_markers

FRAMES_A_SECOND = 1
MOST_FRAMES = 8
"""Epochs on a sheet; of more, evenly spaced ones are shown, the first and the last among them."""
COLUMNS = 4
ROW_INCHES = 1.75
DOTS_PER_INCH = 150


def caption(rows: Sequence[Row]) -> str:
    """Describes the sheet."""
    shown = ", ".join(map(str, shown_epochs(rows)))
    return (
        f"The information plane up to epochs {shown}. Marks: taps. Colour: epoch, as in the information plane. Grey "
        "lines join successive checkpoints. The movie information_plane.gif has a frame for every measured epoch."
    )


def shown_epochs(rows: Sequence[Row]) -> list[int]:
    """The epochs of the sheet.

    >>> row = {"encoder": "e", "regime": "r", "seed": 0, "tap": "h", "quantity": "I(x;h)", "bits": 1, "bound": "none"}
    >>> shown_epochs([row | {"epoch": epoch} for epoch in range(15)])
    [0, 2, 4, 6, 8, 10, 12, 14]
    """
    found = epochs(measured(rows, "I(x;h)")) or [0]
    if len(found) <= MOST_FRAMES:
        return found
    return [found[i] for i in np.linspace(0, len(found) - 1, MOST_FRAMES).round().astype(int)]


def until(rows: Sequence[Row], epoch: int) -> list[Row]:
    """The rows of the data set, and those of points up to an epoch."""
    return [row for row in rows if (found := column(row, "epoch")) is None or int(found) <= epoch]


def draw(rows: Sequence[Row]) -> Figure:
    """Draws the sheet: for each encoder and regime the frames in order, all on common axes."""
    panels = panels_of(measured(rows, "I(x;h)")) or [Panel("no encoder", "no measurement")]
    shown = shown_epochs(rows)
    lines = ceil(len(shown) / COLUMNS)
    with figure_style():
        figure = paper_figure(PAGE_INCHES, ROW_INCHES * lines * len(panels) + 0.3)
        grid = figure.subplots(
            lines * len(panels), min(COLUMNS, len(shown)), sharex=True, sharey=True, squeeze=False
        )
        for number, panel in enumerate(panels):
            places = list(grid[number * lines : (number + 1) * lines].flat)
            for axes, epoch in zip(places, shown, strict=False):
                draw_panel(axes, panel, until(rows, epoch), rows)
                axes.set_title(f"epoch {epoch}" if axes is not places[0] else f"{panel.title}\nepoch {epoch}")
            for axes in places[len(shown) :]:
                axes.set_visible(False)
        set_common_limits(list(grid.flat), rows, ceilings(rows))
        _name_axes(figure, grid[0, 0], rows)
        return figure


def _name_axes(figure: Figure, first: Axes, rows: Sequence[Row]) -> None:
    figure.supxlabel(horizontal_name(first), fontsize=8)
    figure.supylabel("I(y;h)  [bits per image]", fontsize=8)
    handles = [
        Line2D([], [], marker=marker, color="0.5", linestyle="none", label=tap)
        for tap, marker in tap_markers(taps(measured(rows, "I(x;h)"))).items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(8, max(1, len(handles))))


def frames(rows: Sequence[Row]) -> Iterator[Figure]:
    """The information plane up to each measured epoch, on the axes of the whole."""
    for epoch in epochs(measured(rows, "I(x;h)")) or [0]:
        yield information_plane.draw(rows, until=epoch)


def write_movie(path: Path, rows: Sequence[Row]) -> None:
    """Writes the frames as a GIF that repeats; the same rows give the same bytes.

    Raises:
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    writer = PillowWriter(fps=FRAMES_A_SECOND)
    with figure_style(), replacing(path) as temporary:
        for number, figure in enumerate(frames(rows)):
            if number == 0:
                writer.setup(figure, temporary, dpi=DOTS_PER_INCH)
            writer.fig = figure
            writer.grab_frame()
        writer.finish()
