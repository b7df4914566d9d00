"""Pareto-optimal quantized ResNet: accuracy against cost, generalization gap and entropy of layers, by bit width."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import mean, stdev
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import MARKERS, OKABE_ITO
from ib_analysis.studies.quantized.claims import (
    BASELINE,
    PRICES,
    Value,
    accuracy,
    front_difference,
    generalization_gap,
)
from ib_analysis.studies.quantized.pareto_front import Candidate, pareto_front
from ib_analysis.studies.quantized.row import (
    Price,
    QuantizedRow,
    chosen_learning_rates,
    reported,
    seeds,
    trained,
    whole,
)
from ib_analysis.studies.seed_interval import interval_text

ORDER = (BASELINE, "w8a8", "w4a4", "w2a2")
"""The bit widths of whole networks, which every figure shows in the same colours; mixtures follow."""
INK = ("#000000", *OKABE_ITO[:6], OKABE_ITO[7])
SUFFIX = "_quantized"
LEAST_BITS = 1.0
"""Start of the entropy axis."""
MEANING = (
    "Residual networks of several depths and widths, each at several bit widths (w4a4: weights and activations at 4 "
    "bits, first and last layer at 8; w4a4-h1-w8a8: the same but for the part that ends at h1; bf16 counts as 16). "
    "Top: error on the evaluation images against compute cost (multiplications x bits of weights x bits of "
    "activations) and against the memory of the weights; lines: Pareto fronts, whose networks are selected by "
    "validation accuracy. Bottom left: accuracy on training images "
    "minus accuracy on evaluation images for each network (channels of its stages, below them blocks). Bottom "
    "right: quantized layers of the cheapest network. Filled: plug-in entropy H(h) over held-out images, which "
    "saturates at log2 of their number (dashed) once all of them differ. Open, dotted: sum of the entropies of "
    "the units, an upper bound of H(h) and hence of I(x;h)."
)


@dataclass(frozen=True)
class Point:
    """Mean and standard deviation over seeds."""

    mean: float
    spread: float


def caption(rows: Sequence[QuantizedRow]) -> str:
    """Describes the figure, the number of seeds, and the distance between the fronts in numbers."""
    rates = ", ".join(f"{bits} {rate:g}" for bits, rate in chosen_learning_rates(rows).items())
    rows = reported(rows)
    lost = sum(row.status == "diverged" for row in whole(rows))
    over = (
        f" Mean and standard deviation of {len(seeds(rows))} seeds. Learning rates selected on the decoder part: "
        f"{rates}." + (f" Diverged and omitted: {lost}." if lost else "")
    )
    return f"{MEANING}{over}{''.join(_heights(rows, price) for price in PRICES)}"


def draw(rows: Sequence[Any]) -> Figure:
    """Draws two panels of cost, then the generalization gap and the entropies, at the selected learning rates."""
    rows = reported(rows)
    with figure_style():
        figure = paper_figure(PAGE_INCHES, 5.2)
        (compute, memory), (gap, entropy) = figure.subplots(2, 2)
        _costs(compute, rows, "compute_cost", "compute cost  [multiplications × bits × bits]")
        _costs(memory, rows, "memory_bits", "memory of the weights  [bits]")
        memory.sharey(compute)
        _gaps(gap, rows)
        _entropies(entropy, rows)
        handles, labels = compute.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(5, len(labels)))
        return figure


def present(rows: Sequence[QuantizedRow]) -> list[str]:
    """The bit widths of the table, in decreasing order, then mixtures."""
    return [bits for bits in known(rows) if trained(rows, bits)]


def known(rows: Sequence[QuantizedRow]) -> list[str]:
    """The bit widths that have a place in the legend."""
    return [*ORDER, *sorted({row.bits for row in rows} - {*ORDER})]


def ink(rows: Sequence[QuantizedRow]) -> dict[str, str]:
    """The colour of each bit width."""
    return dict(zip(known(rows), cycle(INK)))


def shapes(rows: Sequence[QuantizedRow]) -> dict[str, str]:
    """The marker of each bit width."""
    return dict(zip(known(rows), cycle(MARKERS)))


def point(values: Sequence[float]) -> Point:
    """Mean and standard deviation over seeds.

    >>> point([1.0, 3.0])
    Point(mean=2.0, spread=1.4142135623730951)
    """
    return Point(mean(values), stdev(values) if len(values) > 1 else 0.0)


def by_size(rows: Sequence[QuantizedRow], bits: str) -> dict[tuple[str, str], list[QuantizedRow]]:
    """Rows of whole networks of one bit width, grouped by size."""
    found: dict[tuple[str, str], list[QuantizedRow]] = {}
    for row in trained(rows, bits):
        found.setdefault(row.size, []).append(row)
    return found


def _heights(rows: Sequence[QuantizedRow], price: Price) -> str:
    numbers = [
        f"{bits} {found.mean:+.1f} points ({interval_text(found)})"
        for bits in present(rows)[1:]
        if (found := front_difference(rows, [bits], BASELINE, price)) is not None
    ]
    if not numbers:
        return ""
    return f" Height of the fronts over that of {BASELINE} at equal {PRICES[price]}: {'; '.join(numbers)}."


def _percent(rows: Sequence[QuantizedRow], value: Value) -> Point:
    return point([100 * found for row in rows if (found := value(row)) is not None])


def _costs(axes: Axes, rows: Sequence[QuantizedRow], column: Price, label: str) -> None:
    for bits in present(rows):
        sizes = list(by_size(rows, bits).values())
        costs = [getattr(found[0], column) for found in sizes]
        points = [_percent(found, accuracy) for found in sizes]
        axes.errorbar(
            costs, [100 - p.mean for p in points], yerr=[p.spread for p in points], linestyle="none",
            color=ink(rows)[bits], marker=shapes(rows)[bits], markersize=4, elinewidth=0.6, alpha=0.8, label=bits,
        )  # fmt: skip
        chosen = [mean(row.validation_accuracy or 0.0 for row in found) for found in sizes]
        front = pareto_front([Candidate(c, v, p.mean) for c, v, p in zip(costs, chosen, points)])
        errors = [100 - each.accuracy for each in front]
        line = axes.plot([each.cost for each in front], errors, color=ink(rows)[bits], linewidth=1.1)
        line[0].set_gid(f"front {bits} {column}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set(xlabel=label, ylabel="error  [%]")


def _gaps(axes: Axes, rows: Sequence[QuantizedRow]) -> None:
    sizes = list(dict.fromkeys(row.size for row in whole(rows)))
    shown = present(rows)
    for i, bits in enumerate(shown):
        found = by_size(rows, bits)
        points = {size: _percent(found[size], generalization_gap) for size in sizes if size in found}
        x = [sizes.index(size) + 0.16 * (i - (len(shown) - 1) / 2) for size in points]
        axes.errorbar(
            x, [p.mean for p in points.values()], yerr=[p.spread for p in points.values()], linestyle="none",
            color=ink(rows)[bits], marker=shapes(rows)[bits], markersize=4, elinewidth=0.6,
        )  # fmt: skip
    axes.axhline(0, color="0.3", linewidth=0.7, zorder=1)
    names = [f"{widths}, {blocks}" for blocks, widths in sizes]
    axes.set_xticks(range(len(sizes)), names, rotation=90)
    axes.set(ylabel="generalization gap  [points]", xlabel="widths and blocks of the stages")
    axes.grid(visible=False, axis="x")


def _entropies(axes: Axes, rows: Sequence[QuantizedRow]) -> None:
    """Draws the layers of the cheapest network, where the plug-in entropy saturates least."""
    layers = [row for row in rows if row.tap and row.size == cheapest(rows)]
    taps = list(dict.fromkeys(row.tap for row in layers))
    for bits in present(rows):
        counted, units = (
            [
                (taps.index(row.tap), value)
                for row in layers
                if row.bits == bits and (value := of(row)) is not None
            ]
            for of in (lambda row: row.entropy_bits, lambda row: row.units_entropy_bits)
        )
        _layers(axes, rows, counted, bits, filled=True)
        if bits != BASELINE:
            _layers(axes, rows, units, bits, filled=False)
    for ceiling in {row.ceiling_bits for row in layers if row.ceiling_bits is not None}:
        axes.axhline(ceiling, color="0.2", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    axes.set_yscale("log")
    axes.set_ylim(LEAST_BITS, None)
    axes.set_xticks(range(len(taps)), [tap.removesuffix(SUFFIX) for tap in taps])
    axes.set(ylabel="entropy  [bits per image]", xlabel="quantized layer, in network order")


def _layers(
    axes: Axes, rows: Sequence[QuantizedRow], values: Sequence[tuple[int, float]], bits: str, *, filled: bool
) -> None:
    taps = sorted({tap for tap, _ in values})
    points = [point([value for at, value in values if at == tap]) for tap in taps]
    colour = ink(rows)[bits]
    line = axes.errorbar(
        taps, [p.mean for p in points], yerr=[p.spread for p in points], color=colour, marker=shapes(rows)[bits],
        markersize=4, markerfacecolor=colour if filled else "white", elinewidth=0.6,
        linestyle="-" if filled else ":", linewidth=0.9,
    )  # fmt: skip
    line[0].set_gid(f"{'H(h)' if filled else 'units'} {bits}")


def cheapest(rows: Sequence[QuantizedRow]) -> tuple[str, str]:
    """Depth and width of the network with the fewest multiplications."""
    return min(whole(rows), key=lambda row: row.multiplications or 0).size
