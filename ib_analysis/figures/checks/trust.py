"""How far to trust I(x;h), in one figure: codes of known information, controls, and what fits were still gaining."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ib_analysis.figures.checks.controls import NOT_DRAWN
from ib_analysis.figures.information.series import Row, column
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import MARKERS, OKABE_ITO

QUANTITY = "I(x;h)"
MEANINGS = {
    "known": "Known information: what the decoders read of codes whose information is counted, with the 95 % interval "
    "that other codes give it; on the line both agree.",
    "controls": "Controls: each point measured again with one setting changed (on the line: no change), or with the h "
    "of another image (must be 0).",
    "fits": "Fits: what the last quarter of the steps of each decoder of the image still brought.",
}
HEIGHT_INCHES = 2.5


def caption(ladder: Sequence[Row], controls: Sequence[Row], fits: Sequence[Mapping[str, Any]]) -> str:
    """Describes the panels that are drawn."""
    found = [MEANINGS[name] for name, rows in _panels(ladder, controls, fits).items() if rows]
    return " ".join(
        [*found, "Filled: the interval holds the truth, the control passes, the fit had stopped improving."]
    )


def draw(ladder: Sequence[Row], controls: Sequence[Row], fits: Sequence[Mapping[str, Any]]) -> Figure:
    """Draws a panel of each kind of which there are rows, for I(x;h).

    Args:
        ladder: calibration.csv.
        controls: controls.csv.
        fits: of each decoder of the image `bits` of the information of its point, `late_gain_bits`, `near_plateau`.
    """
    panels = {name: rows for name, rows in _panels(ladder, controls, fits).items() if rows}
    drawers = {"known": _known, "controls": _controls, "fits": _fits}
    with figure_style():
        figure = paper_figure(PAGE_INCHES, HEIGHT_INCHES)
        grid = figure.subplots(1, max(1, len(panels)), squeeze=False)[0]
        for axes, (name, rows) in zip(grid, panels.items(), strict=False):
            drawers[name](axes, rows)
        return figure


def _panels(
    ladder: Sequence[Row], controls: Sequence[Row], fits: Sequence[Mapping[str, Any]]
) -> dict[str, list[Any]]:
    """The rows of each panel: of I(x;h), and of codes only those that are counted."""
    return {
        "known": [r for r in ladder if column(r, "quantity") == QUANTITY and column(r, "truth") == "exact"],
        "controls": [
            r for r in controls if column(r, "quantity") == QUANTITY and column(r, "control") not in NOT_DRAWN
        ],
        "fits": list(fits),
    }


def _known(axes: Axes, rows: Sequence[Row]) -> None:
    for row in rows:
        truth, bits, low, high = (
            float(column(row, name)) for name in ("truth_bits", "estimate_bits", "low_bits", "high_bits")
        )
        _mark(axes, truth, bits, bool(column(row, "inside")), 0, "codes", (low, high))
    axes.set(title="Known information", xlabel="truth  [bits]", ylabel="estimate  [bits]")
    _diagonal(axes, [float(column(row, name)) for row in rows for name in ("truth_bits", "high_bits")])


def _controls(axes: Axes, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(str(column(row, "control")) for row in rows))
    for row in rows:
        i = names.index(str(column(row, "control")))
        x, y, error = (float(column(row, name)) for name in ("point_bits", "bits", "change_stderr_bits"))
        _mark(axes, x, y, column(row, "verdict") != "fails", i, names[i], (y - 2 * error, y + 2 * error))
    axes.set(title="Controls", xlabel="point  [bits]", ylabel="under the control  [bits]")
    _diagonal(axes, [float(column(row, "point_bits")) for row in rows])
    handles = [
        Line2D(
            [],
            [],
            marker=MARKERS[i % 10],
            color=OKABE_ITO[i % 8],
            linestyle="none",
            label=name.replace("-", " "),
        )
        for i, name in enumerate(names)
    ]
    axes.legend(handles=handles, loc="upper left")


def _fits(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        _mark(axes, row["bits"], row["late_gain_bits"], row["near_plateau"], 2, "fits", None)
    axes.axhline(0.0, color="0.3", linewidth=0.7, zorder=1)
    axes.set(title="Fits", xlabel="I(x;h) of the point  [bits]", ylabel="late gain  [bits]")


def _mark(
    axes: Axes, x: float, y: float, good: bool, i: int, name: str, ends: tuple[float, float] | None
) -> None:
    """A mark with its bar, filled where it is good."""
    colour = OKABE_ITO[i % len(OKABE_ITO)]
    if ends is not None:
        axes.plot([x, x], ends, color=colour, linewidth=0.7, zorder=2)
    marks = axes.scatter(
        [x], [y], s=18, marker=MARKERS[i % len(MARKERS)], c=colour if good else "white", edgecolors=colour,
        linewidths=0.9, zorder=3,
    )  # fmt: skip
    marks.set_gid(f"{name} {'good' if good else 'off'}")


def _diagonal(axes: Axes, values: Sequence[float]) -> None:
    most = max([1.0, *values])
    axes.plot([0.0, most], [0.0, most], color="0.3", linewidth=0.7, zorder=1)
    axes.axhline(0.0, color="0.3", linewidth=0.7, zorder=1)
