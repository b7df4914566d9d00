"""Beyond kernels: errors of nets, kernels and features on one target, and information of the layers about F and G."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import OKABE_ITO, tap_colours, tap_markers
from ib_analysis.studies.beyond_kernels.layer_information import LAYERS
from ib_analysis.studies.beyond_kernels.row import Arm, Point, Row, errors_by_seed
from ib_analysis.studies.specs.beyond_kernels import threshold

NAMES: dict[Arm, str] = {
    "resnet": "three-layer ResNet",
    "net3": "three-layer net",
    "net2": "two-layer net",
    "tangent_resnet": "tangent kernel, ResNet",
    "tangent_net3": "tangent kernel, three layers",
    "tangent_net2": "tangent kernel, two layers",
    "conjugate_resnet": "conjugate kernel, ResNet",
    "conjugate_net3": "conjugate kernel, three layers",
    "conjugate_net2": "conjugate kernel, two layers",
    "regression_net2": "least squares, random features",
    "polynomial2": "polynomial kernel, degree 2",
}
OF_NET = {"resnet": OKABE_ITO[0], "net3": OKABE_ITO[1], "net2": OKABE_ITO[2]}
ALONE = {"regression_net2": OKABE_ITO[7], "polynomial2": OKABE_ITO[3]}
LineStyle = Literal["-", "--", ":", "-."]
STYLES: dict[str, tuple[LineStyle, str]] = {
    "": ("-", "o"),
    "tangent": ("--", "^"),
    "conjugate": (":", "s"),
    "regression": ("-.", "x"),
    "polynomial2": ("-.", "D"),
}
PROBE_NAMES = {
    "linear_probe": "linear probe",
    "mlp_probe": "MLP probe",
    "k_nearest_neighbours": "nearest neighbours",
}
LAYER_COLOURS, LAYER_MARKERS = tap_colours(LAYERS), tap_markers(LAYERS)


def caption(rows: Sequence[Row]) -> str:
    """Describes the figure, its marks and its bars."""
    first, seeds = _compared(rows), sorted({row.seed for row in rows})
    swept = sorted({row.seed for row in rows if row.arm == "net3"})
    lost = sum(row.layer is None and row.selected and row.test_error is None for row in rows)
    probed = sorted({row.about for row in rows if row.about and row.about != "G1"})
    return (
        f"Target F + alpha G(F) of {first.outputs} outputs. Error: mean of |prediction - H(x)|^2 over test "
        "vectors; black line: k alpha^2, the error of the exact F. Marks: median over seeds, bars: smallest and "
        f"largest; {len(seeds)} seeds for the ResNet in (a) and for the kernels at N = {first.samples:,}, m = "
        f"{first.width}, alpha = {first.alpha:g}, otherwise {len(swept)}. (a) Against width; kernels and features "
        "are those of networks at their initial weights, at the right end in closed form. (b) Against the number "
        "of training vectors, (c) against alpha; kernels in closed form. Learning rate, weight decay and ridge "
        "are selected on validation vectors for each seed. Bottom: information about "
        f"{' and '.join(probed) or 'F'} (mean) and about G1, of one bit each, that a probe extracts from the "
        "layers of the selected ResNet. Marks: mean over seeds, bars: 2 standard errors from the spread over "
        "seeds. These are lower bounds by a probe of bounded capacity: every layer determines all bits at every "
        "epoch." + (f" Diverged in every setting and omitted: {lost}." if lost else "")
    )


def draw(rows: Sequence[Row]) -> Figure:
    """Draws errors on top and, if layers were probed, information over epochs below."""
    kinds = _panels_of_layers(rows)
    with figure_style():
        figure = paper_figure(PAGE_INCHES, 5.6 if kinds else 3.4)
        if not kinds:
            _errors(figure, rows)
            return figure
        grid = figure.add_gridspec(2, 1, height_ratios=(1.5, 1.0))
        _errors(figure.add_subfigure(grid[0]), rows)
        _layers(figure.add_subfigure(grid[1]), rows, kinds)
        return figure


def _compared(rows: Sequence[Row]) -> Row:
    """A row of the reference size, which is that of most rows of the ResNet."""
    found = [row for row in rows if row.arm == "resnet"]
    points = [(row.alpha, row.samples, row.width) for row in found]
    return found[points.index(max(points, key=points.count))]


def _errors(figure: Figure | SubFigure, rows: Sequence[Row]) -> None:
    first = _compared(rows)
    point = Point(first.alpha, first.samples, first.width or 0)
    errors = [row for row in rows if row.layer is None]
    panels = figure.subplots(1, 3, sharey=True, width_ratios=(1.25, 1, 1))
    _against_width(panels[0], errors, point)
    _against(panels[1], errors, point, "samples")
    _against(panels[2], errors, point, "alpha")
    panels[0].set_ylabel("error")
    panels[0].set_yscale("log")
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10)
    panels[0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    for axes in panels:
        axes.minorticks_off()
    drawn = [arm for arm in NAMES if any(row.arm == arm for row in errors)]
    border = Line2D([], [], color="black", linewidth=1.0, label="the exact F:  k alpha²")
    figure.legend(
        handles=[*(_key(arm) for arm in drawn), border], loc="outside lower center", ncols=3, handlelength=2.6
    )


def _against_width(axes: Axes, rows: Sequence[Row], point: Point) -> None:
    widths = sorted({row.width for row in rows if row.width is not None})
    end = widths[-1] * (widths[-1] / widths[0]) ** 0.3
    for arm in NAMES:
        _line(axes, arm, [(w, errors_by_seed(rows, arm, point._replace(width=w))) for w in widths], "width")
        closed = errors_by_seed(rows, arm, point, closed_form=True)
        _line(axes, arm, [(end * _apart(arm, 1.08), closed)], "closed form")
    axes.axhline(threshold(rows[0].outputs, point.alpha), color="black", linewidth=1.0)
    axes.set_xscale("log")
    axes.set_xticks([*widths, end], [*(f"{w:,}" for w in widths), "closed\nform"])
    axes.set_title(f"(a) N = {point.samples:,}, alpha = {point.alpha:g}")
    axes.set_xlabel("width m")


def _apart(arm: Arm, step: float) -> float:
    """A factor that separates marks of different arms at the same position."""
    return float(step ** (list(NAMES).index(arm) % 4 - 1.5))


def _against(axes: Axes, rows: Sequence[Row], point: Point, name: str) -> None:
    values = sorted({getattr(row, name) for row in rows})
    for arm in NAMES:
        closed = arm not in OF_NET
        found = [
            (
                v * _apart(arm, 1.015),
                errors_by_seed(rows, arm, point._replace(**{name: v}), closed_form=closed),
            )
            for v in values
        ]
        _line(axes, arm, found, name)
    border = [rows[0].outputs * (v if name == "alpha" else point.alpha) ** 2 for v in values]
    axes.plot(values, border, color="black", linewidth=1.0)
    axes.set_xscale("log")
    axes.set_xticks(values, [f"{v:,}" for v in values])
    other = f"N = {point.samples:,}" if name == "alpha" else f"alpha = {point.alpha:g}"
    axes.set_title(f"({'c' if name == 'alpha' else 'b'}) m = {point.width}, {other}")
    axes.set_xlabel("alpha" if name == "alpha" else "vectors N")


def _line(axes: Axes, arm: Arm, found: Sequence[tuple[float, dict[int, float]]], panel: str) -> None:
    """Draws medians with bars from the smallest to the largest seed; seeds without a finite error are omitted."""
    points = [(x, sorted(e for e in errors.values() if e < float("inf"))) for x, errors in found]
    points = [(x, errors) for x, errors in points if errors]
    if not points:
        return
    middle = [median(errors) for _, errors in points]
    reach = [
        [m - e[0] for m, (_, e) in zip(middle, points)],
        [e[-1] - m for m, (_, e) in zip(middle, points)],
    ]
    line, marker = _style(arm)
    marks = axes.errorbar(
        [x for x, _ in points], middle, yerr=reach, linestyle=line, marker=marker, color=_colour(arm),
        markersize=3.5, elinewidth=0.7, linewidth=1.6 if arm in OF_NET else 0.9,
        markerfacecolor=_colour(arm) if arm in OF_NET else "white", markeredgewidth=0.8,
    )  # fmt: skip
    marks[0].set_gid(f"{panel} {arm}")


def _colour(arm: Arm) -> str:
    return ALONE.get(arm) or OF_NET[arm.rpartition("_")[2]]


def _style(arm: Arm) -> tuple[LineStyle, str]:
    return STYLES["" if arm in OF_NET else arm.partition("_")[0]]


def _key(arm: Arm) -> Line2D:
    line, marker = _style(arm)
    face = _colour(arm) if arm in OF_NET else "white"
    return Line2D(
        [], [], color=_colour(arm), linestyle=line, marker=marker, markerfacecolor=face, markersize=3.5,
        label=NAMES[arm],
    )  # fmt: skip


def _panels_of_layers(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The probed function and the probe of each panel."""
    probes = list(dict.fromkeys(row.probe for row in rows if row.probe))
    return [(about, probe) for about in ("F", "G") for probe in probes]


def _layers(figure: Figure | SubFigure, rows: Sequence[Row], kinds: Sequence[tuple[str, str]]) -> None:
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for letter, axes, (about, probe) in zip("defghi", panels, kinds):
        axes.set_title(f"({letter}) {about}, {PROBE_NAMES[probe]}")
        for layer in LAYERS:
            _layer(axes, rows, layer, about, probe)
        _epochs(axes, sorted({row.epoch for row in rows if row.epoch is not None}))
    panels[0].set_ylabel("information  [bits]")
    panels[0].set_ylim(-0.06, 1.06)
    figure.supxlabel("epoch", fontsize=8)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)


def _layer(axes: Axes, rows: Sequence[Row], layer: str, about: str, probe: str) -> None:
    """Draws mean bits of one layer against epoch."""
    found = [r for r in rows if r.layer == layer and r.probe == probe and (r.about or "")[:1] == about]
    epochs = sorted({row.epoch for row in found if row.epoch is not None})
    at = [[row for row in found if row.epoch == epoch] for epoch in epochs]
    marks = axes.errorbar(
        [epoch + 1 for epoch in epochs], [_mean_bits(r) for r in at], yerr=[2 * _stderr_bits(r) for r in at],
        color=LAYER_COLOURS[layer], marker=LAYER_MARKERS[layer], markersize=3, linewidth=1.0, elinewidth=0.7,
        label=layer,
    )  # fmt: skip
    marks[0].set_gid(f"{layer} {about} {probe}")


def _mean_bits(rows: Sequence[Row]) -> float:
    return float(np.mean([row.bits for row in rows if row.bits is not None]))


def _stderr_bits(rows: Sequence[Row]) -> float:
    """Standard error of the mean over seeds; for a single seed the standard error over vectors."""
    by_seed = [[r for r in rows if r.seed == seed] for seed in sorted({row.seed for row in rows})]
    means = [_mean_bits(one) for one in by_seed]
    if len(means) > 1:
        return float(np.std(means, ddof=1) / len(means) ** 0.5)
    return float(np.mean([row.stderr_bits or 0.0 for row in rows]))


def _epochs(axes: Axes, epochs: Sequence[int]) -> None:
    """Makes a logarithmic axis of epoch + 1, which starts with the untrained network."""
    axes.set_xscale("log")
    shown = [epoch for epoch in epochs if epoch in (epochs[0], 10, 100, epochs[-1])]
    axes.set_xticks([epoch + 1 for epoch in shown], [f"{epoch}" for epoch in shown])
    axes.minorticks_off()
