"""The information plane: I(y; h) against I(x; h), one trajectory for each tap, epochs as colour."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from ib_analysis.figures.information.series import (
    Ceilings,
    Mutual,
    Panel,
    Row,
    Series,
    bound_sentence,
    ceilings,
    column,
    epochs,
    exact,
    measured,
    over_seeds,
    panels_of,
    spread_sentence,
    taps,
)
from ib_analysis.figures.style.direct_labels import Name, label_points, settle
from ib_analysis.figures.style.figure_style import EXACT_KEY, PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.log_scale import log_limits, squeezed, write_log_ticks
from ib_analysis.figures.style.number_text import bits_text
from ib_analysis.figures.style.palette import epoch_colours, tap_markers

MEANING = (
    "Information of each tap about the label, I(y;h), against its information about the image, "
    "I(x;h), in bits per image. One trajectory for each tap, colour: epoch; grey lines join successive "
    "checkpoints."
)
FAR_CEILING = 2.2
"""If CE(x) exceeds this multiple of the largest I(x; h), it is written at the edge instead of setting the scale."""


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure, the number of images and the kinds of bound."""
    known = " Black crosses: exact values, known in closed form." if exact(rows, "I(x;h)") else ""
    ceiling = " Dashed lines: H(y), the upper limit of I(y;h), and CE(x)."
    return f"{MEANING}{ceiling}{known} {spread_sentence(rows)} {bound_sentence(rows)}"


def draw(rows: Sequence[Row], *, until: int | None = None) -> Figure:
    """Draws one panel for each encoder and regime, on common axes.

    Args:
        rows: information.csv.
        until: the last epoch that is drawn, as in a frame of a movie; axes and colours are those of all epochs.
    """
    seen = [row for row in rows if until is None or (column(row, "epoch") or 0) <= until]
    with figure_style():
        x, y = measured(rows, "I(x;h)"), measured(rows, "I(y;h)")
        panels = panels_of(x) or [Panel("no encoder", "no measurement")]
        figure, grid = _panels(len(panels))
        for axes, panel in zip(grid, panels, strict=False):
            draw_panel(axes, panel, seen, rows)
        set_common_limits(grid[: len(panels)], rows, ceilings(rows))
        for axes in grid[: len(panels)]:
            axes.set_xlabel(horizontal_name(axes))
        _colour_bar(figure, grid[: len(panels)], epochs([*x, *y]) or [0])
        if until is not None:
            figure.suptitle(f"epoch {until}")
        settle(figure)
        for axes, panel in zip(grid, panels, strict=False):
            _write_names(axes, panel, measured(seen, "I(x;h)"), measured(seen, "I(y;h)"), ceilings(rows))
        return figure


def _panels(number: int) -> tuple[Figure, list[Axes]]:
    """Two panels in a row; a single panel is narrower than the page."""
    columns, lines = min(number, 2), ceil(number / 2)
    figure = paper_figure(PAGE_INCHES if columns == 2 else 4.2, 2.75 * lines)
    grid = list(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes in grid[number:]:
        axes.set_visible(False)
    for i, axes in enumerate(grid[:number]):
        axes.tick_params(labelleft=True, labelbottom=True)
        if i % columns == 0:
            axes.set_ylabel("I(y;h)  [bits per image]")
    return figure, grid


def trajectory(x: Series, y: Series) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    """Points (epochs, 2), their spreads (epochs, 2), and the epochs at which both quantities were measured."""
    both = [epoch for epoch in x.epochs if epoch in y.epochs]
    i, j = [x.epochs.index(e) for e in both], [y.epochs.index(e) for e in both]
    points = np.array([[x.bits[a], y.bits[b]] for a, b in zip(i, j, strict=True)]).reshape(-1, 2)
    spreads = np.array([[x.spread_bits[a], y.spread_bits[b]] for a, b in zip(i, j, strict=True)]).reshape(
        -1, 2
    )
    return points, spreads, both


def _paired(panel: Panel, x: Sequence[Series], y: Sequence[Series]) -> list[tuple[Series, Series]]:
    """The two quantities of each (tap, seed)."""
    labels = {(one.panel, one.tap, one.seed): one for one in y}
    return [
        (one, labels[key])
        for one in x
        if one.panel == panel and (key := (one.panel, one.tap, one.seed)) in labels
    ]


def draw_panel(axes: Axes, panel: Panel, seen: Sequence[Row], rows: Sequence[Row]) -> None:
    """Draws the trajectories of one encoder and regime that are `seen`, in the colours and marks of all `rows`."""
    axes.set_title(panel.title)
    x, y = measured(seen, "I(x;h)"), measured(seen, "I(y;h)")
    every = [*measured(rows, "I(x;h)"), *measured(rows, "I(y;h)")]
    colours, norm = epoch_colours(epochs(every) or [0])
    ranks = {epoch: rank for rank, epoch in enumerate(epochs(every))}
    markers = tap_markers(taps(measured(rows, "I(x;h)")))
    singles = _paired(panel, x, y)
    means = _paired(panel, over_seeds(x), over_seeds(y))
    if len(singles) > len(means):
        for pair in singles:
            points = trajectory(*pair)[0]
            axes.plot(points[:, 0], points[:, 1], color="0.75", linewidth=0.5, zorder=2)
    for one, other in means:
        _trajectory(axes, one, other, markers[one.tap], colours, norm, ranks)
    _reference_marks(axes, panel, seen)


def _trajectory(
    axes: Axes,
    x: Series,
    y: Series,
    marker: str,
    colours: ListedColormap,
    norm: BoundaryNorm,
    ranks: dict[int, int],
) -> None:
    points, spreads, both = trajectory(x, y)
    axes.plot(points[:, 0], points[:, 1], color="0.6", linewidth=0.9, zorder=3)
    axes.errorbar(
        points[:, 0], points[:, 1], xerr=spreads[:, 0], yerr=spreads[:, 1],
        fmt="none", ecolor="0.25", elinewidth=0.7, zorder=4,
    )  # fmt: skip
    marks = axes.scatter(
        points[:, 0], points[:, 1], c=[ranks[e] for e in both], cmap=colours, norm=norm, marker=marker, s=24,
        edgecolors="0.15", linewidths=0.5, zorder=5,
    )  # fmt: skip
    marks.set_gid(f"trajectory {x.tap}")


def _reference_marks(axes: Axes, panel: Panel, rows: Sequence[Row]) -> None:
    """Draws known information as black crosses."""
    for one, other in _paired(panel, exact(rows, "I(x;h)"), exact(rows, "I(y;h)")):
        points, _, _ = trajectory(one, other)
        marks = axes.scatter(
            points[:, 0], points[:, 1], marker="x", s=42, color="black", linewidths=0.9, zorder=6
        )
        marks.set_gid(f"exact {one.tap}")
        axes.set_title(EXACT_KEY, loc="center", fontsize=8, fontweight="normal")


def set_common_limits(grid: Sequence[Axes], rows: Sequence[Row], limits: Ceilings) -> None:
    """Sets limits that include every point with its error bar, the near ceilings and, of a linear axis, zero."""
    found = [*measured(rows, "I(x;h)"), *exact(rows, "I(x;h)")]
    values = [bits for one in found for bits in one.bits]
    low, high = _extent(rows, "I(y;h)", [limits.label_entropy] if limits.label_entropy else [])
    grid[0].set(ylim=(low, high + 0.04 * (high - low)))
    if squeezed(values):
        known = [v for v in (limits.image_cross_entropy, limits.image_entropy) if v is not None]
        grid[0].set(xscale="log", xlim=log_limits(values, [*_bar_ends(found), *known]))
        write_log_ticks(grid)
    else:
        grid[0].set(xlim=_extent(rows, "I(x;h)", _near_ceilings(rows, limits)))


def horizontal_name(axes: Axes) -> str:
    """The name of the horizontal axis, with its unit and its scale."""
    scale = ", log scale" if axes.get_xscale() == "log" else ""
    return f"I(x;h)  [bits per image{scale}]"


def _extent(rows: Sequence[Row], quantity: Mutual, others: Sequence[float]) -> tuple[float, float]:
    ends = _bar_ends([*measured(rows, quantity), *exact(rows, quantity)])
    low, high = min([0.0, *ends]), max([*ends, *others, 1e-3])
    return low - 0.04 * (high - low), high + 0.09 * (high - low)


def _bar_ends(found: Sequence[Series]) -> list[float]:
    return [
        b + sign * s
        for one in found
        for b, s in zip(one.bits, one.spread_bits, strict=True)
        for sign in (-1, 1)
    ]


def _near_ceilings(rows: Sequence[Row], limits: Ceilings) -> list[float]:
    """CE(x) and H(x), unless they are far beyond the data."""
    reach = max((b for one in measured(rows, "I(x;h)") for b in one.bits), default=0.0)
    near = (limits.image_cross_entropy, limits.image_entropy)
    return [v for v in near if v is not None and v <= FAR_CEILING * reach]


def _colour_bar(figure: Figure, grid: Sequence[Axes], found: Sequence[int]) -> None:
    colours, norm = epoch_colours(found)
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=list(grid), aspect=28, pad=0.015, shrink=0.9)
    step = ceil(len(found) / 16)
    shown = [i for i in range(len(found)) if (len(found) - 1 - i) % step == 0]
    bar.set_ticks(shown, labels=[str(found[i]) for i in shown])
    bar.ax.tick_params(length=0, which="both")
    bar.outline.set_linewidth(0.5)
    bar.ax.set_title("epoch", fontsize=8, fontweight="normal", loc="center")


def _write_names(
    axes: Axes, panel: Panel, x: Sequence[Series], y: Sequence[Series], limits: Ceilings
) -> None:
    """Writes the names of the ceilings, which have fixed positions, then those of the taps around them."""
    taken = _ceiling_names(axes, limits)
    names, lines = [], []
    for one, other in _paired(panel, over_seeds(x), over_seeds(y)):
        points, spreads, _ = trajectory(one, other)
        if len(points):
            names.append(Name(one.tap, points[::-1]))
        lines += [
            p + s * np.array([sign, 1 - sign]) * [[-1], [1]]
            for p, s in zip(points, spreads)
            for sign in (0, 1)
        ]
    if limits.label_entropy is not None:
        lines.append(np.array([[x, limits.label_entropy] for x in axes.get_xlim()]))
    label_points(axes, names, taken, lines)


def _ceiling_names(axes: Axes, limits: Ceilings) -> list[Bbox]:
    texts = []
    if limits.label_entropy is not None:
        axes.axhline(limits.label_entropy, color="0.2", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
        words = f"H(y) = {bits_text(limits.label_entropy)} bits"
        texts.append(
            axes.annotate(words, (0.015, limits.label_entropy), xycoords=axes.get_yaxis_transform(),
                          xytext=(0, 1.5), textcoords="offset points", fontsize=8, color="0.2", va="bottom")
        )  # fmt: skip
    right = axes.get_xlim()[1]
    if (value := limits.image_cross_entropy) is not None:
        texts.append(_upright(axes, value, "CE(x)", "left") if value < right else _beyond(axes, value))
    if (value := limits.image_entropy) is not None and value < right:
        texts.append(_upright(axes, value, "H(x)", "right"))
    return [text.get_window_extent() for text in texts]


def _upright(axes: Axes, value: float, letter: str, side: str) -> Annotation:
    """Draws a vertical ceiling with its name along it."""
    dashes = (0, (4, 2)) if letter == "CE(x)" else (0, (1, 1.5))
    axes.axvline(value, color="0.2", linewidth=0.8, linestyle=dashes, zorder=1)
    return axes.annotate(
        f"{letter} = {bits_text(value)} bits", (value, 0.03), xycoords=axes.get_xaxis_transform(),
        xytext=(2 if side == "left" else -2, 0), textcoords="offset points", ha=side, va="bottom",
        rotation=90, fontsize=8, color="0.2",
    )  # fmt: skip


def _beyond(axes: Axes, value: float) -> Annotation:
    """Writes the value of a ceiling that is out of range at the edge."""
    return axes.annotate(
        f"CE(x) = {bits_text(value)} bits \N{RIGHTWARDS ARROW}", (0.99, 0.02), xycoords="axes fraction",
        ha="right", va="bottom", fontsize=8, color="0.2",
    )  # fmt: skip
