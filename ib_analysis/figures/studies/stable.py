"""Stable ResNet: signals, kernels and trained networks against depth, for three branch scalings."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, PercentFormatter, StrMethodFormatter

from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import OKABE_ITO
from ib_analysis.studies.stable.row import StableRow, reported

HEIGHT_INCHES = 4.3
NAMES = {"none": "unscaled", "uniform": "uniform  1/√L", "decreasing": "decreasing  1/(√l log(l+1))"}
COLOURS = {"none": OKABE_ITO[1], "uniform": OKABE_ITO[0], "decreasing": OKABE_ITO[2]}
MARKERS = {"none": "s", "uniform": "o", "decreasing": "^"}
OFFSETS = {"none": 0.96, "uniform": 1.0, "decreasing": 1.04}
"""Factors on the depth that separate error bars of the same depth."""
MEANING = (
    "All quantities against depth in residual blocks. Top left and middle: random fully connected networks at "
    "initialization (marks) and the closed-form recursion (lines): growth of the squared gradient from the last "
    "layer to the first, and correlation of two inputs. Top right: effective rank of the kernel on images, the "
    "exponential of the entropy of its normalised eigenvalues. Bottom left: kernel ridge regression on the same "
    "images. Solid: NNGP, dashed: NTK. Bottom middle and right: trained residual classifiers. Accuracies are on "
    "evaluation images; ridge and learning rate are selected on validation images, the rate by the mean over seeds. "
    "Cross: some trainings diverged and count as predictors of the most frequent label. Marks: means over seeds; bars: "
    "range over seeds."
)


class Panel(NamedTuple):
    """One panel: the rows that it shows, and the labels of its axes."""

    title: str
    quantities: tuple[str, ...]
    norm: str
    label: str
    logarithmic: bool = False
    accuracy: bool = False


PANELS = (
    Panel("gradient at initialization", ("log_gradient_growth",), "none", "log growth of |gradient|²  [nats]", True),
    Panel("correlation at initialization", ("correlation",), "none", "correlation of two inputs"),
    Panel("rank of the kernels", ("nngp_effective_rank", "ntk_effective_rank"), "none", "effective rank", True),
    Panel("kernel ridge regression", ("nngp_accuracy", "ntk_accuracy"), "none", "accuracy", accuracy=True),
    Panel("trained, without norm", ("test_accuracy",), "none", "accuracy", accuracy=True),
    Panel("trained, with batch norm", ("test_accuracy",), "batch", "accuracy", accuracy=True),
)  # fmt: skip


def caption(rows: Sequence[StableRow]) -> str:
    """Describes the figure and gives the number of seeds."""
    return f"{MEANING} {len({row.seed for row in rows})} seeds."


def draw(rows: Sequence[StableRow]) -> Figure:
    """Draws six panels with a common legend above them."""
    with figure_style():
        figure = paper_figure(PAGE_INCHES, HEIGHT_INCHES)
        grid, shown = figure.subplots(2, 3), reported(rows)
        for axes, panel in zip(grid.flat, PANELS):
            _panel(axes, panel, shown)
        _share_scale(list(grid.flat)[4:])
        grid[1, 0].legend(handles=_kernel_keys(), loc="lower left", handlelength=2.0)
        keys = [Line2D([], [], color=COLOURS[s], marker=MARKERS[s], label=name) for s, name in NAMES.items()]
        figure.legend(handles=keys, loc="outside upper center", ncols=3)
        return figure


def _panel(axes: Axes, panel: Panel, rows: Sequence[StableRow]) -> None:
    shown = [row for row in rows if row.quantity in panel.quantities and row.norm == panel.norm]
    for quantity, dashes in zip(panel.quantities, ("-", "--")):
        for scaling in NAMES:
            found = [row for row in shown if (row.quantity, row.scaling) == (quantity, scaling)]
            _curve(axes, _by_depth(found), scaling, dashes)
    axes.set_title(panel.title)
    axes.set_ylabel(panel.label)
    axes.set_xlabel("residual blocks")
    axes.set_xscale("log")
    depths = sorted({row.depth for row in shown})
    axes.xaxis.set_major_locator(FixedLocator(depths))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    if panel.logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if panel.accuracy:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _curve(axes: Axes, points: Mapping[int, Sequence[StableRow]], scaling: str, dashes: str) -> None:
    """Draws means and ranges over seeds; the line is the closed form if it is known, else joins the means."""
    if not points:
        return
    depths = np.array(list(points), dtype=float)
    values = [np.array([row.value for row in found]) for found in points.values()]
    means = np.array([v.mean() for v in values])
    # A mean of equal values may lie beyond them by a rounding.
    reach = np.maximum([means - [v.min() for v in values], [v.max() for v in values] - means], 0.0)
    forms = [found[0].closed_form for found in points.values()]
    known = [form for form in forms if form is not None]
    line = np.array(known) if len(known) == len(forms) else means
    colour, shift = COLOURS[scaling], OFFSETS[scaling]
    axes.plot(depths * shift, line, dashes, color=colour, linewidth=1.0, zorder=2)
    marks = axes.errorbar(
        depths * shift, means, yerr=reach, fmt=MARKERS[scaling], color=colour, markersize=3.5, elinewidth=0.8,
        zorder=3,
    )  # fmt: skip
    marks.lines[0].set_gid(f"{scaling} {next(iter(points.values()))[0].quantity}")
    lost = [any(row.diverged for row in found) for found in points.values()]
    axes.plot(
        depths[lost] * shift, means[lost], "x", color="0.1", markersize=6, markeredgewidth=1.0, zorder=4
    )


def _by_depth(rows: Sequence[StableRow]) -> dict[int, list[StableRow]]:
    depths = sorted({row.depth for row in rows})
    return {depth: [row for row in rows if row.depth == depth] for depth in depths}


def _kernel_keys() -> list[Line2D]:
    solid, dashed = (Line2D([], [], color="0.3", label=name) for name in ("NNGP", "NTK"))
    dashed.set_linestyle("--")
    return [solid, dashed]


def _share_scale(panels: Sequence[Axes]) -> None:
    """Gives the panels a common axis of accuracy, from 0."""
    top = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(0, top)
