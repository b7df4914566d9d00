"""The two stages of learning: the information that each tap gains up to its peak and loses after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.information.series import Panel, Row, column, panel_of
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.number_text import measured_text

MEANING = (
    "The two stages of learning at each tap. Fitting gain: I(x;h) at its peak minus I(x;h) at the first checkpoint. "
    "Compression: I(x;h) at its peak minus I(x;h) at the last checkpoint. Thick bars: one standard error; thin bars: "
    "two; over networks, or over images and fits where there is one network. CE(x) cancels in both, so they are "
    "differences of conditional cross-entropies, paired by image. A decrease "
    "means that these equally trained decoders can use less of h; it does not prove that h holds less."
)
ROW_INCHES = 0.27
DIGIT_POINTS = 5.1
"""Width of a digit at font size 8, rounded up."""


@dataclass(frozen=True)
class Kind:
    """How one of the two stages is drawn."""

    name: Literal["fitting", "compression"]
    words: str
    colour: str
    marker: str
    lift: float
    """Vertical offset within the row of a tap, in rows."""


KINDS = (
    Kind("fitting", "fitting gain\n(peak − first)", "#0072B2", "o", -0.16),
    Kind("compression", "compression\n(peak − last)", "#D55E00", "s", 0.16),
)


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure, and gives the number of images and what the verdicts speak of."""
    counts = {int(n) for row in rows if (n := column(row, "n_images"))}
    over = f" n = {counts.pop():,} evaluation images." if len(counts) == 1 else ""
    scopes = ", ".join(dict.fromkeys(str(column(row, "scope")) for row in rows))
    spoken = f" Verdicts speak of: {scopes}." if scopes else ""
    return f"{MEANING}{over}{spoken}"


def draw(rows: Sequence[Row]) -> Figure:
    """Draws a dot and an interval for each stage of each tap, with the numbers and the verdicts beside them.

    Columns of a row: encoder, regime, tap, peak_epoch, scope, and for each of fitting and compression
    `<stage>_bits`, `<stage>_stderr_bits` and `<stage>_verdict`.
    """
    with figure_style():
        panels = list(dict.fromkeys(panel_of(row) for row in rows))
        if not panels:
            return _nothing()
        groups = [[row for row in rows if panel_of(row) == panel] for panel in panels]
        heights = [ROW_INCHES * (len(group) + 1) for group in groups]
        figure = paper_figure(PAGE_INCHES, sum(heights) + 0.5 * len(groups) + 0.35)
        grid = figure.subplots(len(groups), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
        for axes, panel, group in zip(grid, panels, groups, strict=True):
            _panel(axes, panel, group)
        grid[-1].set_xlabel("change of I(x;h)  [bits per image]")
        return figure


def _nothing() -> Figure:
    figure = paper_figure(PAGE_INCHES, 0.8)
    figure.text(0.5, 0.5, "One checkpoint only: no stages to compare.", ha="center", va="center", fontsize=8)
    return figure


def _panel(axes: Axes, panel: Panel, rows: Sequence[Row]) -> None:
    axes.set_title(panel.title)
    axes.axvline(0.0, color="0.3", linewidth=0.7, zorder=1)
    for kind in KINDS:
        _intervals(axes, rows, kind)
    _texts(axes, rows)
    axes.set_yticks(range(len(rows)), [str(column(row, "tap")) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=True)
    axes.grid(visible=False, axis="y")


def _intervals(axes: Axes, rows: Sequence[Row], kind: Kind) -> None:
    height = np.arange(len(rows)) + kind.lift
    bits = np.array([float(column(row, f"{kind.name}_bits")) for row in rows])
    error = np.array([float(column(row, f"{kind.name}_stderr_bits") or 0.0) for row in rows])
    for width, line in ((2.0, 0.8), (1.0, 2.2)):
        axes.errorbar(
            bits, height, xerr=width * error, fmt="none", ecolor=kind.colour, elinewidth=line, zorder=2
        )
    marks = axes.plot(bits, height, kind.marker, color=kind.colour, markersize=4, markeredgewidth=0, zorder=3)
    marks[0].set_gid(kind.name)


def _texts(axes: Axes, rows: Sequence[Row]) -> None:
    """Writes the peak, and value, standard error and verdict of both stages, in columns as wide as their cells."""
    columns = [("peak\nepoch", [str(column(row, "peak_epoch")) for row in rows], "0.1")]
    columns += [(kind.words, [stage_text(row, kind.name) for row in rows], kind.colour) for kind in KINDS]
    points = 10.0
    for head, texts, colour in columns:
        _column(axes, points, head, texts, colour)
        points += 10.0 + DIGIT_POINTS * max(len(line) for line in [*head.split("\n"), *texts])


def stage_text(row: Row, name: str) -> str:
    """Value, standard error and verdict of a stage.

    >>> stage_text({"fitting_bits": 3.21, "fitting_stderr_bits": 0.4, "fitting_verdict": "yes"}, "fitting")
    '3.21 ± 0.40  yes'
    """
    bits, error = float(column(row, f"{name}_bits")), float(column(row, f"{name}_stderr_bits") or 0.0)
    return f"{measured_text(bits, error)}  {column(row, f'{name}_verdict')}"


def _column(axes: Axes, points: float, head: str, texts: Sequence[str], colour: str) -> None:
    """Writes a column of text to the right of the axes; the colour of its head is that of the stage."""
    axes.annotate(
        head, (1.0, 1.0), xycoords="axes fraction", xytext=(points, 2.0), textcoords="offset points",
        va="bottom", fontsize=8, fontweight="bold", color=colour,
    )  # fmt: skip
    for i, text in enumerate(texts):
        axes.annotate(
            text, (1.0, i), xycoords=axes.get_yaxis_transform(), xytext=(points, 0.0),
            textcoords="offset points", va="center", fontsize=8, color="0.1",
        )  # fmt: skip
