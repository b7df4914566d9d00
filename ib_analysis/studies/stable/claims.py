"""What the table says of the paper's claims.

Every answer rests on the 95 % interval of a mean over seeds (Student's t). An equality holds where the interval lies
within a margin that is named here, and fails where it lies outside; a difference holds or fails where the interval
excludes 0. Arms are paired by seed. Seeds draw weights, and for the kernels the images, but not the evaluation images.
"""

import math
from collections.abc import Mapping, Sequence

from ib_analysis.encoders.branch_scaling import Scaling
from ib_analysis.studies.seed_interval import SeedInterval, is_positive, over_seeds
from ib_analysis.studies.specs.stable import StableStudySpec, StudiedNorm
from ib_analysis.studies.stable.row import Quantity, StableRow
from ib_analysis.studies.stable.signal_propagation import slope
from ib_analysis.studies.verdict import Answer, Verdict

STUDY = "stable"
STABLE: tuple[Scaling, ...] = ("uniform", "decreasing")
SLOPE_MARGIN = 0.05
"""Of log(1 + sigma_w^2 / 2): how far a slope may be from the closed form."""
CORRELATION_MARGIN = 0.1
"""How far the mean correlation of networks of finite width may be from the closed form."""
KEPT_RANK, LOST_RANK = 0.8, 0.5
"""Share of the effective rank at the least depth that is left at the greatest: kept above, collapsed below."""
POINTS_MARGIN = 2.0
"""Percentage points of accuracy that count as none lost."""
BySeed = Mapping[int, float]


def verdicts(rows: Sequence[StableRow], spec: StableStudySpec) -> list[Verdict]:
    """One verdict a claim and scaling."""
    schemes: tuple[Scaling, ...] = ("none", *STABLE)
    return [
        *(gradient_slope(rows, spec, scaling) for scaling in schemes),
        *(finite_width_correlation(rows, spec, scaling) for scaling in schemes),
        *(effective_rank_ratio(rows, spec, scaling) for scaling in schemes),
        *(kernel_accuracy_change(rows, spec, scaling, "ntk_accuracy") for scaling in schemes),
        *(kernel_accuracy_change(rows, spec, scaling, "nngp_accuracy") for scaling in schemes),
        *(trained_difference(rows, spec, scaling, norm) for norm in ("none", "batch") for scaling in STABLE),
    ]


def gradient_slope(rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling) -> Verdict:
    """Claim 1: the squared gradient grows by 1 + sigma_w^2 / 2 a block unscaled, and stays bounded scaled."""
    unscaled = math.log1p(spec.weight_variance / 2)
    target, margin = unscaled if scaling == "none" else 0.0, SLOPE_MARGIN * unscaled
    found = over_seeds(
        [
            slope(spec.depths, [at[seed] for at in _over_depths(rows, spec, scaling, "log_gradient_growth")])
            for seed in spec.seeds
        ]
    )
    limit = f"log(1 + sigma_w^2/2) = {target:.4g}" if scaling == "none" else "0"
    return _verdict(
        f"{scaling}: the log squared gradient at the first layer grows with depth at the slope {limit} (nats a block)",
        f"{target:.4g} [derived]",
        found,
        _equal(found, target, margin),
        f"yes where the 95 % interval {_interval(found)} lies within {margin:.2g} of it (5 % of log(1 + "
        f"sigma_w^2/2)); {_networks(spec)}, depths {_depths(spec)}; the deviation left over shrinks with the width",
    )


def finite_width_correlation(rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling) -> Verdict:
    """Claim 1 as well: unscaled all inputs come to look alike, scaled they stay apart."""
    last = _chosen(rows, spec.depths[-1], scaling, "none", "correlation")
    found, target = over_seeds([row.value for row in last]), last[0].closed_form or 0.0
    apart = "come to look alike" if scaling == "none" else "stay apart"
    return _verdict(
        f"{scaling}: two inputs of correlation {spec.correlation:g} {apart} behind {spec.depths[-1]} blocks "
        f"(correlation; recursion {target:.4g})",
        f"{target:.4g} [derived]",
        found,
        _equal(found, target, CORRELATION_MARGIN),
        f"yes where the 95 % interval {_interval(found)} lies within {CORRELATION_MARGIN:g} of the closed form; "
        f"{_networks(spec)}; wider networks fluctuate less",
    )


def effective_rank_ratio(rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling) -> Verdict:
    """Claim 3: the effective rank of the NNGP kernel collapses with depth only where branches are unscaled."""
    first, last = _ends(rows, spec, scaling, "nngp_effective_rank")
    found = over_seeds([last[seed] / first[seed] for seed in spec.seeds])
    held = found.high < LOST_RANK if scaling == "none" else found.low > KEPT_RANK
    missed = found.low > LOST_RANK if scaling == "none" else found.high < KEPT_RANK
    collapses = "collapses" if scaling == "none" else "does not collapse"
    ends = f"{_mean(first):.2f} at {spec.depths[0]} blocks, {_mean(last):.2f} at {spec.depths[-1]}"
    return _verdict(
        f"{scaling}: the effective rank of the NNGP kernel {collapses} with depth (share that is left)",
        "",
        found,
        _answer(held, missed),
        f"{ends}; collapsed below {LOST_RANK:g}, kept above {KEPT_RANK:g}, by the 95 % interval {_interval(found)}; "
        "exp of the entropy of the normalised eigenvalues, uncentred; kernels are exact, seeds choose the images",
    )


def kernel_accuracy_change(
    rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling, quantity: Quantity
) -> Verdict:
    """Claim 3 as well: accuracy of kernel ridge regression falls with depth only where branches are unscaled."""
    first, last = _ends(rows, spec, scaling, quantity)
    found = over_seeds([100 * (last[seed] - first[seed]) for seed in spec.seeds])
    if scaling == "none":
        held, missed = found.high < 0, found.low > -POINTS_MARGIN
    else:
        held, missed = found.low > -POINTS_MARGIN, found.high < -POINTS_MARGIN
    kernel = quantity.partition("_")[0].upper()
    falls = "falls" if scaling == "none" else "does not fall"
    rule = "below 0" if scaling == "none" else f"above -{POINTS_MARGIN:g}"
    return _verdict(
        f"{scaling}: accuracy of ridge regression with the {kernel} {falls} from {spec.depths[0]} to {spec.depths[-1]} "
        "blocks (change in percentage points)",
        "",
        found,
        _answer(held, missed),
        f"{100 * _mean(first):.1f} % to {100 * _mean(last):.1f} %; yes where the 95 % interval {_interval(found)} "
        f"lies {rule}; ridge chosen on validation images at each depth, {spec.kernel_images} training images a seed; "
        "six-papers-gpu would tell for harder images",
    )


def trained_difference(
    rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling, norm: StudiedNorm
) -> Verdict:
    """Claim 2: at the greatest depth that was trained the stable network is more accurate than the unscaled."""
    depth = max(row.depth for row in rows if row.quantity == "test_accuracy")
    stable = _chosen(rows, depth, scaling, norm, "test_accuracy")
    unscaled = _chosen(rows, depth, "none", norm, "test_accuracy")
    a, b = _by_seed(stable), _by_seed(unscaled)
    found = over_seeds([100 * (a[seed] - b[seed]) for seed in spec.seeds])
    lost = sum(row.diverged for row in unscaled)
    with_norm = "with batch norm" if norm == "batch" else "without batch norm"
    return _verdict(
        f"{scaling}: {with_norm}, a network of {depth} blocks is more accurate trained stable than unscaled "
        "(difference in percentage points)",
        "",
        found,
        is_positive(found),
        f"{100 * _mean(a):.1f} % against {100 * _mean(b):.1f} %, of whose {len(unscaled)} trainings {lost} diverged "
        f"(they count as the commonest label); the 95 % interval {_interval(found)} must exclude 0; each learning "
        f"rate chosen on validation images from {list(spec.learning_rates)}; {_training(spec)}",
    )


def _training(spec: StableStudySpec) -> str:
    return (
        f"widths {'-'.join(map(str, spec.widths))}, {spec.training.epochs} epochs; the authors trained 32/64/128 for "
        "160 epochs on CIFAR [code], the configuration six-papers-gpu is that size"
    )


def _over_depths(
    rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling, quantity: Quantity
) -> list[BySeed]:
    return [_by_seed(_chosen(rows, depth, scaling, "none", quantity)) for depth in spec.depths]


def _ends(
    rows: Sequence[StableRow], spec: StableStudySpec, scaling: Scaling, quantity: Quantity
) -> tuple[BySeed, BySeed]:
    """The values at the least and at the greatest depth."""
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


def _equal(found: SeedInterval, target: float, margin: float) -> Answer:
    """yes where the interval lies within the margin of the target, no where it lies outside, else unclear."""
    low, high = found.low - target, found.high - target
    return _answer(-margin < low and high < margin, low > margin or high < -margin)


def _answer(held: bool, missed: bool) -> Answer:
    return "yes" if held else "no" if missed else "unclear"


def _interval(found: SeedInterval) -> str:
    return f"{found.low:.4g} to {found.high:.4g}"


def _networks(spec: StableStudySpec) -> str:
    return f"{spec.draws} random networks a seed of width {spec.width}, {spec.pairs} pairs of inputs each"


def _depths(spec: StableStudySpec) -> str:
    return ", ".join(map(str, spec.depths))


def _verdict(claim: str, paper: str, found: SeedInterval, answer: Answer, why: str) -> Verdict:
    return Verdict(
        study=STUDY, claim=claim, paper_value=paper, our_value=found.mean, stderr=found.stderr, n_seeds=found.n,
        reproduced=answer, why=why,
    )  # fmt: skip
