"""Training curves of the encoders."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from ib_analysis.figures.information.information_curves import epoch_axis, reserve_right
from ib_analysis.figures.information.series import Panel, Row, column
from ib_analysis.figures.style.direct_labels import Name, label_ends, settle, thin_tick_labels
from ib_analysis.figures.style.figure_style import COLUMN_INCHES, PAGE_INCHES, figure_style, paper_figure

MEANING = (
    "Training curves of the encoders. Top: mean training loss of each epoch, on augmented images. Bottom: score "
    "in evaluation mode on training images and on held-out images. Thin vertical lines: checkpoints at which "
    "information is measured. The epoch axis is linear up to 1 and logarithmic beyond."
)
PARTS = {
    "encoder_part": ("training", "#0072B2", "-"),
    "held_out_part": ("held out", "#D55E00", (0, (3, 1))),
}
LOSSES = {
    "accuracy": "cross-entropy loss\n[nats per image]",
    "mean_squared_error": "squared-error loss\n[per sub-pixel]",
}
SCORES = {"accuracy": "accuracy\n[%]", "mean_squared_error": "mean squared error\n[per sub-pixel]"}


@dataclass(frozen=True)
class TrainingRun:
    """The training curve of one network, and the epochs at which its information was measured."""

    panel: Panel
    seed: int
    rows: Sequence[Row]
    """Rows with the columns epoch, loss, metric, encoder_part and held_out_part (which may be empty)."""
    measured_epochs: tuple[int, ...] = ()

    @property
    def metric(self) -> str:
        """Name of the score: accuracy or mean_squared_error."""
        return str(column(self.rows[0], "metric"))

    def values(self, name: str) -> NDArray[np.float64]:
        """Rows (epoch, value) of a column without empty cells; accuracies in per cent."""
        found = [(float(column(r, "epoch")), column(r, name)) for r in self.rows]
        table = np.array([(e, float(v)) for e, v in found if v is not None]).reshape(-1, 2)
        in_percent = self.metric == "accuracy" and name in PARTS
        return table * [1.0, 100.0] if in_percent else table


def caption(runs: Sequence[TrainingRun]) -> str:
    """Describes the figure and gives the number of seeds."""
    trained = [run for run in runs if run.rows]
    seeds = max((sum(run.panel == other.panel for other in trained) for run in trained), default=0)
    lines = f" One line for each of {seeds} seeds." if seeds > 1 else ""
    return MEANING + lines if trained else "No encoder was trained: all of them are fixed."


def draw(runs: Sequence[TrainingRun]) -> Figure:
    """Draws loss above score, one column for each trained encoder and regime."""
    with figure_style():
        trained = [run for run in runs if run.rows]
        return _drawn(trained) if trained else _nothing()


def _nothing() -> Figure:
    figure = paper_figure(COLUMN_INCHES, 0.8)
    figure.text(
        0.5, 0.5, "No encoder was trained: all of them are fixed.", ha="center", va="center", fontsize=8
    )
    return figure


def _drawn(runs: Sequence[TrainingRun]) -> Figure:
    panels = list(dict.fromkeys(run.panel for run in runs))
    columns = len(panels) if len(panels) <= 3 else 2
    lines = ceil(len(panels) / columns)
    figure = paper_figure(PAGE_INCHES if columns > 1 else COLUMN_INCHES, 3.6 * lines)
    grid = figure.subplots(2 * lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    cells = {
        s: (grid[2 * (i // columns), i % columns], grid[2 * (i // columns) + 1, i % columns])
        for i, s in enumerate(panels)
    }
    for panel, (loss, score) in cells.items():
        _column(loss, score, [run for run in runs if run.panel == panel])
    reserve_right([score for _, score in cells.values()], ["training"])
    figure.align_ylabels()
    settle(figure)
    for panel, (loss, score) in cells.items():
        _name_ends(figure, loss, score, [run for run in runs if run.panel == panel])
    return figure


def _column(loss: Axes, score: Axes, runs: Sequence[TrainingRun]) -> None:
    metric = runs[0].metric
    loss.set(visible=True, title=runs[0].panel.title, ylabel=LOSSES.get(metric, "loss"))
    score.set(visible=True, ylabel=SCORES.get(metric, metric), xlabel="epoch")
    loss.tick_params(labelbottom=False)
    for axes in (loss, score):
        epoch_axis(axes)
        last = max(float(run.values("loss")[-1, 0]) for run in runs)
        axes.set_xlim(-0.25, max(1.25, last * 1.15))
        axes.grid(visible=False, axis="x")
        for epoch in sorted({epoch for run in runs for epoch in run.measured_epochs}):
            axes.axvline(epoch, color="0.85", linewidth=0.6, zorder=0)
        if metric == "mean_squared_error":
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_locator(NullLocator())
    for run in runs:
        loss.plot(*run.values("loss").T, color="0.2", linewidth=1.0)
        for part, (_, colour, dashes) in PARTS.items():
            score.plot(*run.values(part).T, color=colour, linestyle=dashes, linewidth=1.0)


def _name_ends(figure: Figure, loss: Axes, score: Axes, runs: Sequence[TrainingRun]) -> None:
    """Names both parts at the end of their lines; sets ticks at the measured, the first and the last epoch."""
    names = [
        Name(words, table[-1:], colour)
        for part, (words, colour, _) in PARTS.items()
        if len(table := runs[0].values(part))
    ]
    label_ends(score, names)
    ticks = sorted(
        {epoch for run in runs for epoch in run.measured_epochs} | {0, int(runs[0].values("loss")[-1, 0])}
    )
    thin_tick_labels(figure, score, ticks, [str(epoch) for epoch in ticks])
    loss.set_xticks(ticks)
