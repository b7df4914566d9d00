"""Resnet in Resnet: accuracy of four networks of equal size, and with one stream set to zero at one block."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ib_analysis.encoders.specs.rir import Arm
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import OKABE_ITO, tap_colours, tap_markers
from ib_analysis.studies.rir.claims import NAMES, difference
from ib_analysis.studies.rir.row import RirRow, accuracies, chosen_learning_rates, reported
from ib_analysis.studies.rir.stream_knock_out import STREAMS, Stream
from ib_analysis.studies.seed_interval import SeedInterval, over_seeds
from ib_analysis.studies.specs.rir import ARMS

LABELS: dict[Stream, str] = {
    "residual": "residual stream (or first half) set to zero",
    "transient": "transient stream (or second half) set to zero",
}
"""An arm without streams has two halves of channels instead."""
STREAM_COLOURS, STREAM_MARKERS = tap_colours(STREAMS), tap_markers(STREAMS)


def caption(rows: Sequence[RirRow]) -> str:
    """Describes the figure, its scale and its bars."""
    row, rates = rows[0], chosen_learning_rates(rows)
    seeds = len({row.seed for row in rows})
    chosen = ", ".join(f"{NAMES[arm]} {rate:g}" for arm, rate in rates.items())
    lost = sum(row.status == "diverged" for row in reported(rows))
    return (
        f"Accuracy on {row.evaluation_images:,} evaluation images of four networks of {_sizes(rows)} parameters, "
        f"trained in the same way on {row.training_images:,} images of {row.images}. (a) Complete networks; grey: "
        "single seeds. The four networks of a seed share training images, and with shortcut: padding also initial "
        "weights. (b) Differences of accuracy within a seed. (c) One stream set to zero at the input of one "
        "block, in network order; in the plain CNN and the ResNet, which have no streams, the same half of the "
        f"channels; grey: the complete network. Marks and bars: mean and 95 % interval (Student's t) over {seeds} "
        f"seed{'s' * (seeds != 1)}. Learning rates selected on the "
        f"decoder part: {chosen}." + (f" Diverged and omitted: {lost}." if lost else "")
    )


def _sizes(rows: Sequence[RirRow]) -> str:
    sizes = sorted({row.parameters for row in rows})
    return f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"


def draw(rows: Sequence[RirRow]) -> Figure:
    """Draws accuracies and their differences on top; below, the knock-outs of each arm on a common axis of accuracy."""
    best = reported(rows)
    arms = [arm for arm in ARMS if accuracies(best, arm)]
    with figure_style():
        figure = paper_figure(PAGE_INCHES, 4.4)
        if not arms:
            figure.text(
                0.5, 0.5, "every training diverged: lower the learning_rates", ha="center", fontsize=9
            )
            return figure
        top, bottom = figure.subfigures(2, 1, height_ratios=(1.0, 1.15), squeeze=False)[:, 0]
        whole, differences = top.subplots(1, 2, sharey=True, width_ratios=(1.4, 1.0))
        _whole(whole, best, arms)
        _differences(differences, best, arms)
        panels = bottom.subplots(1, len(arms), sharey=True, squeeze=False)[0]
        for axes, arm in zip(panels, arms):
            _knocked_out(axes, best, arm)
        panels[0].set_ylim(0, panels[0].get_ylim()[1])
        panels[0].set_title(f"(c) {NAMES[arms[0]]}")
        panels[0].set_ylabel("accuracy  [%]")
        bottom.supxlabel("block whose input stream is set to zero", fontsize=8)
        bottom.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        return figure


def _whole(axes: Axes, rows: Sequence[RirRow], arms: Sequence[Arm]) -> None:
    axes.set_title("(a) complete networks")
    for height, arm in enumerate(arms):
        values = [100 * value for value in accuracies(rows, arm).values()]
        _mean(axes, height, over_seeds(values), ".1f", f"accuracy {arm}")
        axes.plot(values, [height + 0.27] * len(values), "o", color="0.55", markersize=2.5, zorder=2)
    axes.set_yticks(range(len(arms)), [NAMES[arm] for arm in arms])
    axes.set_ylim(len(arms) - 0.45, -0.6)
    axes.set_xlabel("accuracy  [%]")
    axes.grid(visible=False, axis="y")


def _differences(axes: Axes, rows: Sequence[RirRow], arms: Sequence[Arm]) -> None:
    """Draws the differences between RiR and each other arm, paired by seed, on which the verdicts rest."""
    axes.set_title("(b) RiR minus the other arm, by seed")
    axes.axvline(0.0, color="0.3", linewidth=0.7, zorder=1)
    for height, arm in enumerate(arms):
        found = difference(rows, "rir", arm)
        if arm != "rir" and found is not None:
            _mean(axes, height, found, "+.1f", f"difference {arm}")
    axes.set_xlabel("difference  [percentage points]")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _mean(axes: Axes, height: float, found: SeedInterval, digits: str, name: str) -> None:
    """Draws a mean with its interval and its value as text."""
    mark = axes.errorbar(
        found.mean, height, xerr=_reach(found), fmt="D", color=OKABE_ITO[0], markersize=4, elinewidth=1.6, zorder=3
    )  # fmt: skip
    mark[0].set_gid(name)
    text, place = format(found.mean, digits), (found.mean, height)
    words = axes.annotate(text, place, (0, 4), textcoords="offset points", ha="center", fontsize=8)
    words.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.2})


def _knocked_out(axes: Axes, rows: Sequence[RirRow], arm: Arm) -> None:
    axes.set_title(NAMES[arm])
    whole = over_seeds([100 * value for value in accuracies(rows, arm).values()])
    axes.axhline(whole.mean, color="0.55", linewidth=0.9, zorder=1)
    for stream, shift in zip(STREAMS, (-0.12, 0.12)):
        _stream(axes, rows, arm, stream, shift)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))


def _stream(axes: Axes, rows: Sequence[RirRow], arm: Arm, stream: Stream, shift: float) -> None:
    """Draws accuracy against the block at which a stream is zero; the two streams are slightly offset."""
    blocks = sorted({row.block for row in rows if row.arm == arm and row.block is not None})
    found = [over_seeds([100 * v for v in accuracies(rows, arm, block, stream).values()]) for block in blocks]
    marks = axes.errorbar(
        [block + shift for block in blocks], [one.mean for one in found], yerr=[_reach(one) for one in found],
        fmt=STREAM_MARKERS[stream] + "-", color=STREAM_COLOURS[stream], elinewidth=0.7, linewidth=0.9,
        markersize=3.5, label=LABELS[stream],
    )  # fmt: skip
    marks[0].set_gid(f"{stream} {arm}")


def _reach(found: SeedInterval) -> float:
    """Half the width of the interval; 0 for a single seed."""
    return found.half_width if found.n > 1 else 0.0
