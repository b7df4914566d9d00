"""Darlow & Storkey (2020): every tested difference of information with its interval and its answer."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.number_text import measured_text
from ib_analysis.figures.style.palette import OKABE_ITO
from ib_analysis.figures.style.user_text import as_written
from ib_analysis.studies.darlow2020.row import DarlowRow

ROW_INCHES = 0.2
TITLES = {
    ("i", "fitting"): "(i) fitting: peak − untrained",
    ("ii", "compression"): "(ii) compression: peak − end",
    ("iii", "early peak"): "(iii) peak in the first tenth − later peak",
    ("iv", "below untrained"): "(iv) untrained − end",
    ("v", "compression"): "(v) compression of early taps",
    ("vi", "fitting"): "(vi) fitting by the decoders alone, on own and on held-out images",
    ("vi", "compression"): "(vi) compression by the decoders alone, on own and on held-out images",
    ("vii", "compression"): "(vii) compression without weight decay",
    ("vii", "weight decay"): "(vii) compression with − without weight decay",
    ("", "fitting"): "contrast: fitting",
    ("", "compression"): "contrast: compression",
}
"""The families of tests, in the order of the claims."""
COLOURS = {"yes": OKABE_ITO[2], "no": OKABE_ITO[1], "undecided": "0.45"}
FACES = {"yes": OKABE_ITO[2], "no": "white", "undecided": "0.8"}


def caption(rows: Sequence[DarlowRow]) -> str:
    """Describes the figure and the rule of its answers."""
    first = rows[0]
    scores = "; ".join(dict.fromkeys(map(_networks, rows)))
    return (
        "Differences of I(x;h) in bits per image, over networks, with 95 % intervals (Student's t). Full green: yes, "
        "significantly above 0 after Holm's correction within the panel, above the spread of fits and above 1 % of the "
        "peak. Open red: no, the interval ends below 1 % of the peak. Grey: undecided. Own images are those that the "
        f"network was trained on, {_images(rows, 'own')}; held out are {_images(rows, 'held out')}. {first.networks} "
        f"network{'s' * (first.networks != 1)} a regime, {first.n_fits} fit{'s' * (first.n_fits != 1)} a point, "
        f"checkpoints {first.first_epoch} to {first.last_epoch}. Mean scores at the end of training: {scores}."
    )


def _networks(row: DarlowRow) -> str:
    if row.own_score is None:
        return f"{row.encoder} {row.regime} (widths {row.width})"
    others = "" if row.held_out_score is None else f", on others {row.held_out_score:.4g}"
    name = row.score.replace("_", " ")
    return (
        f"{row.encoder} {row.regime} (widths {row.width}), {name} on own images {row.own_score:.4g}{others}"
    )


def _images(rows: Sequence[DarlowRow], images: str) -> str:
    return next((f"{row.n_images:,} images" for row in rows if row.images == images), "none")


def draw(rows: Sequence[DarlowRow]) -> Figure:
    """A panel for each family of tests, a line for each tap: mean, interval, numbers and answer."""
    with figure_style():
        groups = {
            key: [row for row in rows if (row.claim, row.question) == key]
            for key in TITLES
            if any((row.claim, row.question) == key for row in rows)
        }
        heights = [ROW_INCHES * (len(group) + 0.6) for group in groups.values()]
        figure = paper_figure(PAGE_INCHES, sum(heights) + 0.34 * len(groups) + 0.4)
        panels = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (key, group) in zip(panels, groups.items(), strict=True):
            _panel(axes, TITLES[key], group)
        panels[-1].set_xlabel("difference of I(x;h)  [bits per image]")
        return figure


def _panel(axes: Axes, title: str, rows: Sequence[DarlowRow]) -> None:
    axes.set_title(title)
    axes.axvline(0.0, color="0.3", linewidth=0.7, zorder=1)
    for height, row in enumerate(rows):
        colour = COLOURS[row.answer]
        if row.low_bits is not None and row.high_bits is not None:
            axes.plot([row.low_bits, row.high_bits], [height] * 2, color=colour, linewidth=1.2, zorder=2)
        marks = axes.plot(
            row.bits, height, "o", color=colour, markerfacecolor=FACES[row.answer], markersize=4.5, zorder=3
        )
        marks[0].set_gid(f"{row.claim} {row.question} {row.images} {row.encoder} {row.regime} {row.tap}")
        text = f"{measured_text(row.bits, row.stderr_bits or 0.0)}  {row.answer}"
        axes.annotate(
            text, (1.0, height), xycoords=axes.get_yaxis_transform(), xytext=(6.0, 0.0),
            textcoords="offset points", va="center", fontsize=8, color=colour,
        )  # fmt: skip
    several = len({row.encoder for row in rows}) > 1 or not rows[0].claim
    names = [
        f"{row.encoder} " * several + f"{row.regime} {row.tap}" + f", {row.images}" * (row.claim == "vi")
        for row in rows
    ]
    axes.set_yticks(range(len(rows)), names, **as_written("".join(names)))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
