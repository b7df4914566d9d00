"""Shortcut depth: the Hessian at the initial point, final losses and learning rates against depth, and training."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator, StrMethodFormatter

from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import OKABE_ITO

HEIGHT_INCHES = 6.6
COLOURS = {"none": OKABE_ITO[6], "1": OKABE_ITO[1], "2": OKABE_ITO[0], "3": OKABE_ITO[2]}
MARKERS = {"none": "X", "1": "s", "2": "o", "3": "^"}
NAMES = {"none": "no shortcut", "1": "depth 1", "2": "depth 2", "3": "depth 3"}
DASHES: dict[str, Literal["-"] | tuple[float, tuple[float, float]]] = {
    "near_zero": "-",
    "xavier": (0, (4, 1.5)),
    "orthogonal": (0, (1, 1.2)),
}
UNTRAINED = ("none", "near_zero")
"""Not drawn for learning rates: small weights without shortcuts, whose loss no learning rate changes."""
OFFSETS = {"near_zero": 0.97, "xavier": 1.0, "orthogonal": 1.03}
"""Factors on the depth that separate error bars of the same depth."""
MEANING = (
    "Top: condition number of the Hessian at the initial point against the number of layers. Cross: exact value "
    "at zero weights, for shortcuts of depth 1 and 2 (at depth 3 and without shortcuts this Hessian is 0); thin "
    "line: closed form of depth 2. Middle: training loss at the end of gradient descent, with the smallest loss "
    "of any linear map as a thin line, and the learning rate selected from a grid on validation images. Bottom: "
    "the spectrum during the training of the shallowest linear networks; the first mark is the initial point. "
    "Colour and mark: shortcut; solid: small random weights, dashed: Xavier, dotted: orthogonal. Open mark at the "
    "upper edge: the training of at least one seed diverged at every learning rate. Marks: means over seeds "
    "(geometric on logarithmic axes); bars: range over seeds."
)


class Panel(NamedTuple):
    """One panel against depth: the rows that it shows, and the labels of its axes."""

    title: str
    experiment: str
    family: tuple[str, str]
    value: str
    label: str


PANELS = (
    Panel("dense linear, start", "initial", ("dense", "identity"), "condition_number", "condition number"),
    Panel("dense tanh, start", "initial", ("dense", "tanh"), "condition_number", "condition number"),
    Panel("convolutional, start", "initial", ("convolutional", ""), "condition_number", "condition number"),
    Panel("dense linear, end", "final", ("dense", "identity"), "training_loss", "training loss"),
    Panel("dense tanh, end", "final", ("dense", "tanh"), "training_loss", "training loss"),
    Panel("dense linear", "final", ("dense", "identity"), "learning_rate", "best learning rate"),
)
ALONG = (
    ("condition_number", "condition number", True),
    ("index", "share of negative λ", False),
    ("largest_eigenvalue", "largest eigenvalue", True),
)


def caption(rows: Sequence[Any]) -> str:
    """Describes the figure and gives the number of seeds."""
    return f"{MEANING} {len({row.seed for row in rows})} seeds."


def draw(rows: Sequence[Any]) -> Figure:
    """Draws nine panels with a common legend above them."""
    with figure_style():
        figure = paper_figure(PAGE_INCHES, HEIGHT_INCHES)
        grid = list(figure.subplots(3, 3).flat)
        for axes, panel in zip(grid, PANELS):
            _against_depth(axes, panel, rows)
        for axes, (value, label, logarithmic) in zip(grid[6:], ALONG):
            _along(axes, rows, value, logarithmic)
            axes.set(ylabel=label, title="dense linear, training")
        figure.legend(
            handles=_keys(), loc="outside upper center", ncols=7, handlelength=1.8, columnspacing=0.9
        )
        return figure


def _keys() -> list[Line2D]:
    shortcuts = [Line2D([], [], color=COLOURS[s], marker=MARKERS[s], label=name) for s, name in NAMES.items()]
    words = {"near_zero": "small weights", "xavier": "Xavier", "orthogonal": "orthogonal"}
    return [
        *shortcuts,
        *(Line2D([], [], color="0.3", linestyle=DASHES[how], label=words[how]) for how in DASHES),
    ]


def _against_depth(axes: Axes, panel: Panel, rows: Sequence[Any]) -> None:
    layout, nonlinearity = panel.family
    family = [row for row in rows if row.layout == layout and nonlinearity in ("", row.nonlinearity)]
    shown = [row for row in family if row.experiment == panel.experiment]
    axes.set_xscale("log")
    axes.set_yscale("log")
    for setting in _settings(shown):
        own = [row for row in shown if (row.shortcut, row.initialization) == setting]
        if panel.value == "learning_rate" and setting == UNTRAINED:
            continue
        _curve(axes, setting, _points(own, "layers", panel.value), OFFSETS[setting[1]])
        _diverged(axes, setting, own)
    if panel.experiment == "initial":
        _at_zero(axes, [row for row in family if row.experiment == "zero"])
    if panel.value == "training_loss":
        _thin(axes, [row.least_loss for row in shown if row.least_loss])
    depths = sorted({row.layers for row in shown})
    if panel.experiment == "initial":
        depths = [*(2**k for k in range(5) if depths and 2**k < depths[0]), *depths]
    axes.xaxis.set(major_locator=FixedLocator(depths), minor_locator=NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    _few_ticks(axes)
    axes.set(xlabel="layers", ylabel=panel.label, title=panel.title)


def _few_ticks(axes: Axes) -> None:
    low, high = axes.dataLim.intervaly
    if high < 30 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _at_zero(axes: Axes, rows: Sequence[Any]) -> None:
    for shortcut in COLOURS:
        own = [row for row in rows if row.shortcut == shortcut]
        points = _points(own, "layers", "condition_number")
        x, y = [x for x, _ in points], [_mean(values, True) for _, values in points]
        axes.plot(x, y, linestyle="none", marker="x", markersize=5, color=COLOURS[shortcut], zorder=5)
    _thin(axes, [row.predicted_condition_number for row in rows if row.shortcut == "2"])


def _thin(axes: Axes, values: Iterable[float | None]) -> None:
    known = [value for value in values if value]
    if known:
        axes.axhline(known[0], color="0.4", linewidth=0.6, zorder=1)


def _along(axes: Axes, rows: Sequence[Any], value: str, logarithmic: bool) -> None:
    linear = [row for row in rows if (row.layout, row.nonlinearity) == ("dense", "identity")]
    along = [row for row in linear if row.experiment == "along"]
    start = [
        row for row in linear if row.experiment == "initial" and row.layers in {one.layers for one in along}
    ]
    axes.set_xscale("symlog", linthresh=5, linscale=0.5)
    if logarithmic:
        axes.set_yscale("log")
    for setting in _settings(along):
        first, own = (
            [row for row in found if (row.shortcut, row.initialization) == setting]
            for found in (start, along)
        )
        if setting != UNTRAINED:
            points = [(0.0, values) for _, values in _points(first, "layers", value)] + _points(
                own, "step", value
            )
            _curve(axes, setting, points, 1.0, logarithmic)
    steps = [0, *sorted({row.step for row in along})]
    axes.xaxis.set(major_locator=FixedLocator(steps), minor_locator=NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set(xlabel="step")


def _settings(rows: Sequence[Any]) -> list[tuple[str, str]]:
    found = {(row.shortcut, row.initialization) for row in rows}
    return [(shortcut, how) for shortcut in COLOURS for how in DASHES if (shortcut, how) in found]


def _points(rows: Sequence[Any], place: str, value: str) -> list[tuple[float, list[float]]]:
    """(x, values over seeds) for every x at which all rows have a value."""
    found = dict[float, list[float | None]]()
    for row in rows:
        found.setdefault(getattr(row, place), []).append(getattr(row, value))
    return [
        (x, [v for v in values if v is not None]) for x, values in sorted(found.items()) if None not in values
    ]


def _curve(
    axes: Axes,
    setting: tuple[str, str],
    points: Sequence[tuple[float, list[float]]],
    offset: float,
    logarithmic: bool = True,
) -> None:
    if not points:
        return
    shortcut, how = setting
    x, y = [offset * x for x, _ in points], [_mean(values, logarithmic) for _, values in points]
    below = [mean - min(values) for mean, (_, values) in zip(y, points)]
    above = [max(values) - mean for mean, (_, values) in zip(y, points)]
    bars = axes.errorbar(
        x, y, yerr=[[max(0.0, b) for b in below], [max(0.0, a) for a in above]], color=COLOURS[shortcut],
        marker=MARKERS[shortcut], markersize=3, linewidth=1.3 if setting == ("2", "near_zero") else 0.8,
        linestyle=DASHES[how], elinewidth=0.6, zorder=4 if setting == ("2", "near_zero") else 3,
    )  # fmt: skip
    bars[0].set_gid(f"{shortcut} {how}")


def _diverged(axes: Axes, setting: tuple[str, str], rows: Sequence[Any]) -> None:
    """Draws an open mark at the upper edge at every depth where a seed has no finite final value."""
    shortcut, how = setting
    for layers in sorted({row.layers for row in rows if row.outcome == "diverged"}):
        shift = (list(COLOURS).index(shortcut) - 1.5) * 0.05
        mark = axes.plot(
            layers * (1 + shift) * OFFSETS[how], 0.97, transform=axes.get_xaxis_transform(), linestyle="none",
            marker=MARKERS[shortcut], markersize=4, markerfacecolor="none", color=COLOURS[shortcut], clip_on=False,
        )  # fmt: skip
        mark[0].set_gid(f"diverged {shortcut} {how}")


def _mean(values: Sequence[float], logarithmic: bool) -> float:
    if not logarithmic:
        return sum(values) / len(values)
    product = 1.0
    for value in values:
        product *= value ** (1 / len(values))
    return product
