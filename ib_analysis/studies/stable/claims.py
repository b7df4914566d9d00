"""Verdicts on the claims of the paper.

The 95 % interval of a mean over seeds (Student's t) decides. An equality holds if the interval lies within a margin
given here, and fails if it lies outside; a difference holds or fails if the interval excludes 0. Arms are paired by
seed. Seeds determine weights, and for kernels the images of all three parts, at most `kernel_images` of each. Networks
of all seeds are evaluated on the same images.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from ib_analysis.encoders.specs.encoder import Scaling
from ib_analysis.studies.learning_rate import end_of_the_tried, learns_at_some_rate
from ib_analysis.studies.seed_interval import (
    Answer,
    is_positive,
    lies_above,
    lies_below,
    lies_within,
    over_seeds,
)
from ib_analysis.studies.specs.stable import NORMS, StableStudySpec, StudiedNorm
from ib_analysis.studies.stable.row import (
    Arm,
    Quantity,
    StableRow,
    chosen_learning_rates,
    reported,
    trained,
)
from ib_analysis.studies.stable.signal_propagation import slope
from ib_analysis.studies.verdict import Statement, Verdict

STUDY = "stable"
STABLE: tuple[Scaling, ...] = ("uniform", "decreasing")
SLOPE_MARGIN = 0.05
"""Largest deviation of a slope from the closed form, as a fraction of log(1 + sigma_w^2 / 2)."""
BOUNDED_NATS = 1.0
"""A log gradient that changes by less over the whole range of depths counts as bounded. The margin of the slope alone
would allow growth by e^34 over a thousand blocks."""
CORRELATION_MARGIN = 0.1
"""Largest deviation of the mean correlation at finite width from the closed form."""
KEPT_RANK, LOST_RANK = 0.8, 0.5
"""Ratio of the effective rank at the largest and the smallest depth: kept above, collapsed below."""
POINTS_MARGIN = 2.0
"""A loss of accuracy below this, in percentage points, counts as none."""
BySeed = Mapping[int, float]


class LearningRate(NamedTuple):
    """The learning rate at which an arm is reported."""

    rate: float
    is_end: bool
    """Whether it is the smallest or the largest of several tried ones, beyond which the arm may do better."""
    tried: tuple[float, ...]
    """All rates, increasing."""
    learns: bool
    """Whether the arm learns at some of them."""


LearningRates = Mapping[Arm, LearningRate]


def verdicts(rows: Sequence[StableRow], spec: StableStudySpec) -> list[Verdict]:
    """One verdict for each claim and scaling."""
    schemes: tuple[Scaling, ...] = ("none", *STABLE)
    rates = learning_rates(rows)
    rows = reported(rows)
    return [
        *(gradient_slope(rows, spec, scaling) for scaling in schemes),
        *(finite_width_correlation(rows, spec, scaling) for scaling in schemes),
        *(effective_rank_ratio(rows, spec, scaling) for scaling in schemes),
        *(kernel_accuracy_change(rows, spec, scaling, "ntk_accuracy") for scaling in schemes),
        *(kernel_accuracy_change(rows, spec, scaling, "nngp_accuracy") for scaling in schemes),
        *(trained_difference(rows, spec, scaling, norm, rates) for norm in NORMS for scaling in STABLE),
        *(kept_accuracy(rows, spec, scaling, norm, rates) for norm in NORMS for scaling in STABLE),
        *(stem_gradient_growth(rows, spec, scaling, norm) for norm in NORMS for scaling in STABLE),
    ]


def gradient_slope(rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling) -> Verdict:
    """Claim 1: the squared gradient grows by 1 + sigma_w^2 / 2 per block without scaling and is bounded with it."""
    unscaled = math.log1p(spec.weight_variance / 2)
    target, margin = unscaled if scaling == "none" else 0.0, slope_margin(spec, scaling)
    found = over_seeds(
        [
            slope(spec.depths, [at[seed] for at in _over_depths(rows, spec, scaling, "log_gradient_growth")])
            for seed in spec.seeds
        ]
    )
    limit = f"log(1 + sigma_w^2/2) = {target:.4g}" if scaling == "none" else "0"
    rule = f"{margin:.2g} of it, 5 % of log(1 + sigma_w^2/2)"
    if scaling != "none":
        rule += f" and less than {BOUNDED_NATS:g} nat over the whole range of depths"
    return Statement(
        STUDY,
        f"{scaling}: the log squared gradient at the first layer grows with depth at the slope {limit} (nats per "
        "block)",
        f"{target:.4g} [derived]",
        date(2026, 11, 25),
        kind="implementation",
    ).judged(
        found,
        lies_within(found, target, margin),
        f"yes if the interval lies within {rule}; {_networks(spec)}, depths {_depths(spec)}; the remaining deviation "
        "decreases with the width",
    )


def slope_margin(spec: StableStudySpec, scaling: Scaling) -> float:
    """Largest deviation of a slope from the closed form, in nats per block."""
    relative = SLOPE_MARGIN * math.log1p(spec.weight_variance / 2)
    return relative if scaling == "none" else min(relative, BOUNDED_NATS / (spec.depths[-1] - spec.depths[0]))


def finite_width_correlation(rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling) -> Verdict:
    """Claim 1: without scaling all inputs become correlated, with scaling they do not."""
    last = _chosen(rows, spec.depths[-1], scaling, "none", "correlation")
    found, target = over_seeds([row.value for row in last]), last[0].closed_form or 0.0
    apart = "become indistinguishable" if scaling == "none" else "stay distinguishable"
    return Statement(
        STUDY,
        f"{scaling}: two inputs of correlation {spec.correlation:g} {apart} after {spec.depths[-1]} blocks "
        f"(correlation; recursion {target:.4g})",
        f"{target:.4g} [derived]",
        date(2026, 11, 24),
        kind="implementation",
    ).judged(
        found,
        lies_within(found, target, CORRELATION_MARGIN),
        f"yes if the interval lies within {CORRELATION_MARGIN:g} of the closed form; {_networks(spec)}; wider networks "
        "fluctuate less",
    )


def effective_rank_ratio(rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling) -> Verdict:
    """Claim 3: the effective rank of the NNGP kernel collapses with depth only without scaling."""
    first, last = _ends(rows, spec, scaling, "nngp_effective_rank")
    found = over_seeds([last[seed] / first[seed] for seed in spec.seeds])
    answer = lies_below(found, LOST_RANK) if scaling == "none" else lies_above(found, KEPT_RANK)
    collapses = "collapses" if scaling == "none" else "does not collapse"
    ends = f"{_mean(first):.2f} at {spec.depths[0]} blocks, {_mean(last):.2f} at {spec.depths[-1]}"
    return Statement(
        STUDY,
        f"{scaling}: the effective rank of the NNGP kernel {collapses} with depth (remaining fraction)",
        "",
        date(2026, 11, 24),
    ).judged(
        found,
        answer,
        f"{ends}; collapsed if the interval lies below {LOST_RANK:g}, kept if above {KEPT_RANK:g}; exponential of the "
        "entropy of the normalised eigenvalues, uncentred; kernels are exact, seeds select the images",
    )


def kernel_accuracy_change(
    rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling, quantity: Quantity
) -> Verdict:
    """Claim 3: accuracy of kernel ridge regression decreases with depth only without scaling."""
    first, last = _ends(rows, spec, scaling, quantity)
    found = over_seeds([100 * (last[seed] - first[seed]) for seed in spec.seeds])
    unscaled = scaling == "none"
    answer = lies_below(found, -POINTS_MARGIN) if unscaled else lies_above(found, -POINTS_MARGIN)
    kernel = quantity.partition("_")[0].upper()
    falls, side = ("decreases", "below") if unscaled else ("does not decrease", "above")
    return Statement(
        STUDY,
        f"{scaling}: accuracy of ridge regression with the {kernel} {falls} from {spec.depths[0]} to {spec.depths[-1]} "
        "blocks (change in percentage points)",
        "",
        date(2026, 11, 25),
    ).judged(
        found,
        answer,
        f"{100 * _mean(first):.1f} % to {100 * _mean(last):.1f} %; yes if the interval lies {side} "
        f"-{POINTS_MARGIN:g}; ridge selected on validation images at each depth; each seed draws at most "
        f"{spec.kernel_images} images of each part; the configuration six-papers-gpu tests harder images",
    )


def learning_rates(rows: Sequence[StableRow]) -> LearningRates:
    """The chosen learning rate of each arm, and whether it is an end of the tried ones."""
    networks = trained(rows)
    found = {}
    for arm, rate in chosen_learning_rates(rows).items():
        of_arm = [network for network in networks if network.arm == arm]
        judged = of_arm, lambda network: network.arm, arm, of_arm[0].chance
        tried = tuple(sorted({network.learning_rate for network in of_arm}))
        found[arm] = LearningRate(
            rate, end_of_the_tried(*judged) is not None, tried, learns_at_some_rate(*judged)
        )
    return found


def undoubted(answer: Answer, rates: LearningRates, against: Mapping[Answer, Arm]) -> tuple[Answer, str]:
    """An answer and its condition as text; unclear if a rate beyond the tried ones may overturn it.

    Args:
        answer: what the interval says.
        rates: of all arms.
        against: for "yes" and for "no" the arm that would have to do better to overturn it.
    """
    rule = "and the learning rate of what this speaks against is no end of the tried ones"
    arm = against.get(answer)
    if arm is None or not rates[arm].is_end:
        return answer, rule
    return (
        "unclear",
        f"{rule}; here {rates[arm].rate:g} of {arm.scaling} at {arm.depth} blocks is such an end",
    )


def _rate(found: LearningRate) -> str:
    """The rate at which an arm is reported, or that none trains it, as text."""
    if found.learns:
        return f"at the rate {found.rate:g}"
    return f"at none of {len(found.tried)} rates from {found.tried[0]:g} to {found.tried[-1]:g} above chance"


def trained_difference(
    rows: Sequence[StableRow],
    spec: StableStudySpec,
    scaling: Scaling,
    norm: StudiedNorm,
    rates: LearningRates,
) -> Verdict:
    """Claim 2: at the largest trained depth the stable network is more accurate than the unscaled one."""
    depth = trained_depths(rows)[-1]
    stable = _chosen(rows, depth, scaling, norm, "test_accuracy")
    unscaled = _chosen(rows, depth, "none", norm, "test_accuracy")
    a, b = _by_seed(stable), _by_seed(unscaled)
    found = over_seeds([100 * (a[seed] - b[seed]) for seed in spec.seeds])
    arms = Arm(scaling, norm, depth), Arm("none", norm, depth)
    answer, rule = undoubted(is_positive(found), rates, {"yes": arms[1], "no": arms[0]})
    ours, theirs = (f"{_rate(rates[arm])}{_lost(at)}" for arm, at in zip(arms, (stable, unscaled)))
    return Statement(
        STUDY,
        f"{scaling}: {_with_norm(norm)}, a network of {depth} blocks is more accurate with scaling than without "
        "(difference in percentage points)",
        "",
        date(2026, 11, 27),
    ).judged(
        found,
        answer,
        f"{100 * _mean(a):.1f} %{_learned(stable)} {ours} against {100 * _mean(b):.1f} %{_learned(unscaled)} {theirs}; "
        f"yes or no if the interval excludes 0 {rule}; {_training(spec)}",
    )


def kept_accuracy(
    rows: Sequence[StableRow],
    spec: StableStudySpec,
    scaling: Scaling,
    norm: StudiedNorm,
    rates: LearningRates,
) -> Verdict:
    """Claim 2: a stable network trains at every depth, so it loses no accuracy from the smallest to the largest."""
    first, last = _ends_of_trained(rows, scaling, norm, "test_accuracy")
    found = over_seeds([100 * (last[seed] - first[seed]) for seed in spec.seeds])
    unscaled, deep = (_mean(at) for at in _ends_of_trained(rows, "none", norm, "test_accuracy"))
    depths = trained_depths(rows)
    arms = Arm(scaling, norm, depths[0]), Arm(scaling, norm, depths[-1])
    answer, rule = undoubted(lies_above(found, -POINTS_MARGIN), rates, {"yes": arms[0], "no": arms[1]})
    return Statement(
        STUDY,
        f"{scaling}: {_with_norm(norm)}, accuracy does not decrease from the shallowest to the deepest trained network "
        "(change in percentage points)",
        "very deep networks train stably [paper, abstract]",
        date(2026, 11, 27),
    ).judged(
        found,
        answer,
        f"{100 * _mean(first):.1f} % at the rate {rates[arms[0]].rate:g} to {100 * _mean(last):.1f} % at "
        f"{rates[arms[1]].rate:g}, unscaled {100 * unscaled:.1f} % to {100 * deep:.1f} %; yes if the interval lies "
        f"above -{POINTS_MARGIN:g}, no if below, {rule}; {_training(spec)}",
    )


def stem_gradient_growth(
    rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling, norm: StudiedNorm
) -> Verdict:
    """Claim 2: the gradient of the stem of the trained networks, at their start, grows less with depth with scaling."""
    statement = Statement(
        STUDY,
        f"{scaling}: {_with_norm(norm)}, the log squared gradient of the stem grows less from the shallowest to the "
        "deepest convolutional network at its start than without scaling (difference in nats)",
        "stabilizes the gradient [paper, abstract]",
        date(2026, 11, 26),
    )
    ends = {scheme: _ends_of_trained(rows, scheme, norm, "stem_log_gradient") for scheme in ("none", scaling)}
    if any(set(at) != set(spec.seeds) for pair in ends.values() for at in pair):
        return statement.unmeasured("the gradient of some seed is not finite")
    growth = {s: {seed: last[seed] - first[seed] for seed in spec.seeds} for s, (first, last) in ends.items()}
    found = over_seeds([growth["none"][seed] - growth[scaling][seed] for seed in spec.seeds])
    return statement.judged(
        found,
        is_positive(found),
        f"grows by {_mean(growth[scaling]):.2f} against {_mean(growth['none']):.2f} nats; yes or no if the interval "
        f"excludes 0; widths {'-'.join(map(str, spec.widths))}, batch norms divide by frozen statistics",
    )


def _ends_of_trained(
    rows: Sequence[StableRow], scaling: Scaling, norm: StudiedNorm, quantity: Quantity
) -> tuple[BySeed, BySeed]:
    """The values at the smallest and at the largest depth of the trained networks."""
    depths = trained_depths(rows)
    first, last = (
        _by_seed(_chosen(rows, depth, scaling, norm, quantity)) for depth in (depths[0], depths[-1])
    )
    return first, last


def trained_depths(rows: Sequence[StableRow]) -> list[int]:
    """The depths of the trained networks, increasing."""
    return sorted({network.arm.depth for network in trained(rows)})


def _with_norm(norm: StudiedNorm) -> str:
    return "with batch norm" if norm == "batch" else "without batch norm"


def _learned(rows: Sequence[StableRow]) -> str:
    """The mean accuracy on training images of those that did not diverge, as text."""
    known = [row.training_accuracy for row in rows if row.training_accuracy is not None]
    whose = "" if len(known) == len(rows) else f" of the {len(known)} that did not diverge"
    return f" (training images{whose} {100 * sum(known) / len(known):.1f} %)" if known else ""


def _lost(rows: Sequence[StableRow]) -> str:
    """How many diverged, as text."""
    lost = sum(row.diverged for row in rows)
    return (
        f" ({lost} of {len(rows)} diverged and count as predictors of the most frequent label)"
        if lost
        else ""
    )


def _training(spec: StableStudySpec) -> str:
    count = (
        "all training images" if spec.training_images is None else f"{spec.training_images:,} training images"
    )
    return (
        f"widths {'-'.join(map(str, spec.widths))}, {count}, {spec.training.epochs} epochs; the authors trained "
        "32/64/128 for 160 epochs on CIFAR [code], the configuration six-papers-gpu is that size"
    )


def _over_depths(
    rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling, quantity: Quantity
) -> list[BySeed]:
    return [_by_seed(_chosen(rows, depth, scaling, "none", quantity)) for depth in spec.depths]


def _ends(
    rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling, quantity: Quantity
) -> tuple[BySeed, BySeed]:
    """The values at the smallest and at the largest depth."""
    found = _over_depths(rows, spec, scaling, quantity)
    return found[0], found[-1]


def _chosen(
    rows: Sequence[StableRow], depth: int, scaling: Scaling, norm: StudiedNorm, quantity: Quantity
) -> list[StableRow]:
    arm = (quantity, scaling, norm, depth)
    return [row for row in rows if (row.quantity, row.scaling, row.norm, row.depth) == arm]


def _by_seed(rows: Sequence[StableRow]) -> BySeed:
    return {row.seed: row.value for row in rows}


def _mean(values: BySeed) -> float:
    return sum(values.values()) / len(values)


def _networks(spec: StableStudySpec) -> str:
    return f"{spec.draws} random networks of width {spec.width} per seed, {spec.pairs} pairs of inputs each"


def _depths(spec: StableStudySpec) -> str:
    return ", ".join(map(str, spec.depths))
