"""Calibration: estimates of known information against the exact values."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.information.series import Row, column
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure

COLUMNS = 3
LINEAR_BITS = 1.0
"""The axes are linear below this value and logarithmic above it."""
MEANING = (
    "Estimate against truth on images with known information, in bits per image (linear below one bit, "
    "logarithmic above). One panel for each quantity and method, one mark for each case; on the line estimate and "
    "truth agree. Bars: the 95 % interval that the cases of other families give an information by the decoders, two "
    "standard errors of images for all others. Filled: the interval holds the truth or, without one, the estimate lies "
    "within 3 standard errors or 3 % of it; open: it does not."
)


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure, and gives the number of cases and of intervals that hold the truth."""
    judged: dict[str, list[bool]] = {}
    for row in rows:
        if column(row, "inside") is not None:
            judged.setdefault(str(column(row, "quantity")), []).append(bool(column(row, "inside")))
    held = [
        f" {sum(inside)} of {len(inside)} intervals of {quantity} hold the truth."
        for quantity, inside in judged.items()
    ]
    return f"{MEANING} {len({column(row, 'case') for row in rows})} cases.{''.join(held)}"


def draw(rows: Sequence[Row]) -> Figure:
    """Draws one panel for each quantity and method, on common axes."""
    kinds = list(dict.fromkeys((str(column(row, "quantity")), str(column(row, "method"))) for row in rows))
    with figure_style():
        lines = max(1, ceil(len(kinds) / COLUMNS))
        figure = paper_figure(PAGE_INCHES, 2.1 * lines + 0.2)
        grid = list(figure.subplots(lines, COLUMNS, squeeze=False, sharex=True, sharey=True).flat)
        for axes in grid[len(kinds) :]:
            axes.set_visible(False)
        ends = _ends(rows)
        for i, (axes, kind) in enumerate(zip(grid, kinds)):
            found = [r for r in rows if (column(r, "quantity"), column(r, "method")) == kind]
            _panel(axes, kind, found, ends)
            if i % COLUMNS == 0:
                axes.set_ylabel("estimate  [bits]")
            if i + COLUMNS >= len(kinds):
                axes.set_xlabel("truth  [bits]")
                axes.tick_params(labelbottom=True)
        return figure


def _ends(rows: Sequence[Row]) -> tuple[float, float]:
    """Limits of the axes: from zero, or the lowest estimate, to the highest value."""
    numbers = [float(column(row, name)) for row in rows for name in ("truth_bits", "estimate_bits")]
    numbers += [end for row in rows if column(row, "low_bits") is not None for end in _bar(row)]
    return min([0.0, *numbers]) - 0.3, 2.0 * max([1.0, *numbers])


def _bar(row: Row) -> tuple[float, float]:
    """The ends of the interval, or of two standard errors where there is none."""
    estimate, error = (float(column(row, name)) for name in ("estimate_bits", "stderr_bits"))
    low, high = column(row, "low_bits"), column(row, "high_bits")
    if low is None or high is None:
        return estimate - 2 * error, estimate + 2 * error
    return float(low), float(high)


def _agrees(row: Row) -> bool:
    inside = column(row, "inside")
    return bool(column(row, "good") if inside is None else inside)


def _panel(axes: Axes, kind: tuple[str, str], rows: Sequence[Row], ends: tuple[float, float]) -> None:
    axes.set_title(f"{kind[0]}, {kind[1].replace('_', ' ')}", fontsize=8)
    axes.set_xscale("symlog", linthresh=LINEAR_BITS)
    axes.set_yscale("symlog", linthresh=LINEAR_BITS)
    axes.plot(ends, ends, color="0.3", linewidth=0.7, zorder=1)
    axes.set(xlim=(-0.3, ends[1]), ylim=ends)
    x, y = (np.array([float(column(row, name)) for row in rows]) for name in ("truth_bits", "estimate_bits"))
    low, high = np.array([_bar(row) for row in rows]).reshape(-1, 2).T
    good = np.array([_agrees(row) for row in rows], dtype=bool)
    axes.errorbar(x, y, yerr=[y - low, high - y], fmt="none", ecolor="0.4", elinewidth=0.6, zorder=2)
    for chosen, face in ((good, "#0072B2"), (~good, "white")):
        marks = axes.scatter(
            x[chosen], y[chosen], s=14, c=face, edgecolors="#0072B2" if face != "white" else "#D55E00",
            linewidths=0.9, zorder=3,
        )  # fmt: skip
        marks.set_gid(f"{kind[0]} {kind[1]} {'good' if face != 'white' else 'off'}")
