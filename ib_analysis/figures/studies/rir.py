"""Resnet in Resnet: accuracy of four networks of equal size, and of each without one stream at one block."""

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
    "residual": "residual stream at zero, or first half",
    "transient": "transient stream at zero, or second half",
}
"""An arm whose channels are all alike has halves and no streams."""
STREAM_COLOURS, STREAM_MARKERS = tap_colours(STREAMS), tap_markers(STREAMS)


def caption(rows: Sequence[RirRow]) -> str:
    """What the figure shows, at which scale, and what its bars are."""
    row, rates = rows[0], chosen_learning_rates(rows)
    seeds = len({row.seed for row in rows})
    chosen = ", ".join(f"{NAMES[arm]} {rate:g}" for arm, rate in rates.items())
    lost = sum(row.status == "diverged" for row in reported(rows))
    return (
        f"Four networks of {_sizes(rows)} parameters trained alike on {row.training_images:,} images of {row.images}, "
        f"accuracy on {row.evaluation_images:,} evaluation images. (a) Whole networks; grey: single seeds, which "
        "share training images across the four (and initial weights, with shortcut: padding). (b) Differences of "
        "accuracy within a seed. (c) With one stream set to zero at the input of one block, in network order; in the "
        "plain CNN and the ResNet, which have no streams, the same halves of the channels; grey: the whole network. "
        f"Marks and bars: mean and 95 % interval (Student's t) over {seeds} seed{'s' * (seeds != 1)}. Learning rates "
        f"chosen on the decoder part: {chosen}." + (f" Diverged and left out: {lost}." if lost else "")
    )


def _sizes(rows: Sequence[RirRow]) -> str:
    sizes = sorted({row.parameters for row in rows})
    return f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"


def draw(rows: Sequence[RirRow]) -> Figure:
    """Accuracies and their differences on top; below, a panel an arm with its knock-outs on one axis of accuracy."""
    best = reported(rows)
    arms = [arm for arm in ARMS if accuracies(best, arm)]
    with figure_style():
        figure = paper_figure(PAGE_INCHES, 4.4)
        if not arms:
            figure.text(
                0.5, 0.5, "every training diverged: ask for lower learning_rates", ha="center", fontsize=9
            )
            return figure
        top, bottom = figure.subfigures(2, 1, height_ratios=(1.0, 1.15), squeeze=False)[:, 0]
        whole, differences = top.subplots(1, 2, sharey=True, width_ratios=(1.4, 1.0))
        _whole(whole, best, arms)
        _differences(differences, best, arms)
        panels = bottom.subplots(1, len(arms), sharey=True, squeeze=False)[0]
        for axes, arm in zip(panels, arms):
            _knocked_out(axes, best, arm)
        panels[0].set_title(f"(c) {NAMES[arms[0]]}")
        panels[0].set_ylabel("accuracy  [%]")
        bottom.supxlabel("block at whose input the stream is zero", fontsize=8)
        bottom.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        return figure


def _whole(axes: Axes, rows: Sequence[RirRow], arms: Sequence[Arm]) -> None:
    axes.set_title("(a) whole networks")
    for height, arm in enumerate(arms):
        values = [100 * value for value in accuracies(rows, arm).values()]
        _mean(axes, height, over_seeds(values), ".1f", f"accuracy {arm}")
        axes.plot(values, [height + 0.27] * len(values), "o", color="0.55", markersize=2.5, zorder=2)
    axes.set_yticks(range(len(arms)), [NAMES[arm] for arm in arms])
    axes.set_ylim(len(arms) - 0.45, -0.6)
    axes.set_xlabel("accuracy  [%]")
    axes.grid(visible=False, axis="y")


def _differences(axes: Axes, rows: Sequence[RirRow], arms: Sequence[Arm]) -> None:
    """RiR less each other arm, paired by seed: what the verdicts judge."""
    axes.set_title("(b) RiR less the other, by seed")
    axes.axvline(0.0, color="0.3", linewidth=0.7, zorder=1)
    for height, arm in enumerate(arms):
        found = difference(rows, "rir", arm)
        if arm != "rir" and found is not None:
            _mean(axes, height, found, "+.1f", f"difference {arm}")
    axes.set_xlabel("difference  [percentage points]")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _mean(axes: Axes, height: float, found: SeedInterval, digits: str, name: str) -> None:
    """A mark with its interval and its number."""
    mark = axes.errorbar(
        found.mean, height, xerr=_reach(found), fmt="D", color=OKABE_ITO[0], markersize=4, elinewidth=1.6, zorder=3
    )  # fmt: skip
    mark[0].set_gid(name)
    text, place = format(found.mean, digits), (found.mean, height)
    words = axes.annotate(text, place, (0, 4), textcoords="offset points", ha="center", fontsize=7)
    words.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.2})


def _knocked_out(axes: Axes, rows: Sequence[RirRow], arm: Arm) -> None:
    axes.set_title(NAMES[arm])
    whole = over_seeds([100 * value for value in accuracies(rows, arm).values()])
    axes.axhline(whole.mean, color="0.55", linewidth=0.9, zorder=1)
    for stream, shift in zip(STREAMS, (-0.12, 0.12)):
        _stream(axes, rows, arm, stream, shift)
    axes.set_ylim(0, 104)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))


def _stream(axes: Axes, rows: Sequence[RirRow], arm: Arm, stream: Stream, shift: float) -> None:
    """Accuracy against block with that stream at zero; the two streams stand a little apart."""
    blocks = sorted({row.block for row in rows if row.arm == arm and row.block is not None})
    found = [over_seeds([100 * v for v in accuracies(rows, arm, block, stream).values()]) for block in blocks]
    marks = axes.errorbar(
        [block + shift for block in blocks], [one.mean for one in found], yerr=[_reach(one) for one in found],
        fmt=STREAM_MARKERS[stream] + "-", color=STREAM_COLOURS[stream], elinewidth=0.7, linewidth=0.9,
        markersize=3.5, label=LABELS[stream],
    )  # fmt: skip
    marks[0].set_gid(f"{stream} {arm}")


def _reach(found: SeedInterval) -> float:
    """Half the interval; no bar for a single seed."""
    return found.half_width if found.n > 1 else 0.0
