"""Verdicts on the claims of the paper.

Every answer is yes or no only if the 95 % interval of a mean over seeds (Student's t, differences paired by seed)
excludes the threshold. Seeds determine vectors and weights. If every training of a seed diverges, its error is not
finite, the mean over seeds is undefined, and the answer is unclear.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import fmean, median

import numpy as np

from ib_analysis.studies.beyond_kernels.dimension_bound import (
    least_dimensions,
    least_error,
    linear_multiplications,
    orthogonal_targets,
    resnet_multiplications,
)
from ib_analysis.studies.beyond_kernels.row import (
    KERNEL_ARMS,
    Arm,
    Point,
    Row,
    errors_by_seed,
    parts_by_seed,
)
from ib_analysis.studies.seed_interval import (
    Answer,
    SeedInterval,
    interval_text,
    is_positive,
    joint_rule,
    over_seeds,
)
from ib_analysis.studies.specs.beyond_kernels import BeyondKernelsStudySpec, threshold
from ib_analysis.studies.verdict import Statement, Verdict

Errors = dict[int, float]
STUDY = "beyond_kernels"
HALF_A_BIT = 0.5
OF_KERNELS = 2.0
"""The power of alpha in the least error of kernels, `dimension_bound.least_error`."""
PASSES = 3
"""Multiplications of a training step in units of a forward pass: forward, and back to weights and to inputs."""
LINEAR = "linear_probe"
INTUITION = "not measured; the paper's intuition is that layers learn hierarchically [paper, abstract]"


def verdicts(rows: Sequence[Row], spec: BeyondKernelsStudySpec) -> list[Verdict]:
    """One verdict for each claim at the reference size; claims on layers only if layers were probed."""
    point = Point(spec.alpha, spec.samples, spec.width)
    found = [
        resnet_below_the_threshold(rows, point, spec),
        kernels_above_the_threshold(rows, point, spec),
        any_kernel_errs_more(rows, point, spec),
        fewer_multiplications(rows, point, spec),
        net_without_shortcut_between(rows, point),
        backward_feature_correction(rows, point),
    ]
    if len(spec.alphas) > 1:
        found.append(resnet_gains_more_from_a_small_alpha(rows, point, spec))
    if any(row.probe == LINEAR for row in rows):
        found += [second_block_holds_g(rows), f_before_g(rows)]
    return found


def resnet_below_the_threshold(rows: Sequence[Row], point: Point, spec: BeyondKernelsStudySpec) -> Verdict:
    """The ResNet's error at the largest width, nearest to the paper's, against k alpha^2, and at the other widths."""
    border = threshold(spec.outputs, spec.alpha)
    measured = resnet_by_width(rows, point, spec)
    widest = max(measured)
    told = " ".join(
        f"m = {w}: {listed(measured[w])}. {failures(rows, point._replace(width=w), border)}" for w in measured
    )
    return Statement(
        STUDY,
        f"The three-layer ResNet learns alpha G(F): its error is below k alpha^2 = {border:.3g} with "
        f"N = {point.samples} and m = {widest}.",
        "below 1.35 at k = 15, N = 1000 [third]; 0.10 to 0.29 against 0.72 over widths of 100 to 100,000 "
        "in version 2 [paper, read from a figure]",
        date(2026, 11, 24),
    ).judged(
        found=over_finite(measured[widest]),
        answer=answer_of(difference(dict.fromkeys(measured[widest], border), measured[widest])),
        why=f"tested at the widest net; yes if the interval lies below {border:.3g}, no if above; settings selected on "
        f"validation vectors for each seed. {told}",
    )


def resnet_by_width(rows: Sequence[Row], point: Point, spec: BeyondKernelsStudySpec) -> dict[int, Errors]:
    """Errors of the ResNet at each measured width, by seed."""
    by_width = {w: errors_by_seed(rows, "resnet", point._replace(width=w)) for w in spec.widths}
    return {width: errors for width, errors in by_width.items() if errors}


def failures(rows: Sequence[Row], point: Point, border: float) -> str:
    """Numbers of trainings of the ResNet, selected or not, that did not learn G(F), and of those that diverged."""
    runs = [row for row in rows if row.layer is None and row.arm == "resnet" and _at(row, point)]
    diverged = sum(row.test_error is None for row in runs)
    above = sum(row.test_error is not None and row.test_error >= border for row in runs)
    return (
        f"Of all {len(runs)} trainings of the grid {above} stay above the threshold and {diverged} diverge."
    )


def kernels_above_the_threshold(rows: Sequence[Row], point: Point, spec: BeyondKernelsStudySpec) -> Verdict:
    """The best kernel or feature method over all widths against k alpha^2."""
    border, found = threshold(spec.outputs, spec.alpha), linear_methods(rows, point, spec)
    name, best = min(found.items(), key=lambda item: fmean(item[1].values()))
    gaps = [difference(errors, dict.fromkeys(errors, border)) for errors in found.values()]
    return Statement(
        STUDY,
        f"The error of every kernel and feature method exceeds k alpha^2 = {border:.3g} with N = "
        f"{point.samples}; the value is the smallest of their errors.",
        "all above 1.35 at k = 15 [third]; tangent kernels 1.8 to 2.5 against 0.72 in version 2 [paper, "
        "read from a figure]",
        date(2026, 11, 25),
    ).judged(
        found=over_finite(best),
        answer="unclear" if None in gaps else is_positive(*[gap for gap in gaps if gap is not None]),
        why=f"{len(found)} methods and widths, each with its ridge selected on validation vectors; the best is {name}; "
        f"for errors minus the threshold, {joint_rule(len(gaps))}; the error of a method that learns F exactly and "
        "ignores G is k alpha^2.",
    )


def any_kernel_errs_more(rows: Sequence[Row], point: Point, spec: BeyondKernelsStudySpec) -> Verdict:
    """The certified least error of every kernel against the error of the widest ResNet, with the same vectors."""
    measured = resnet_by_width(rows, point, spec)
    widest, count = max(measured), orthogonal_targets(spec.inputs)
    bound = least_error(point.samples, spec.outputs, spec.alpha, spec.inputs)
    lead = difference(dict.fromkeys(measured[widest], bound), measured[widest])
    return Statement(
        STUDY,
        f"Any kernel that is chosen before the target errs more than the three-layer ResNet with the same N = "
        f"{point.samples} vectors, on average over the concept class; the value is the least error of kernels, by the "
        "dimension argument, minus the ResNet's error.",
        "every kernel errs by more than alpha^2 / 16 where N is below a thousandth of the number of targets [paper, "
        "theorem]",
        date(2026, 11, 26),
    ).judged(
        lead,
        answer_of(lead),
        f"yes or no if the interval excludes 0; the class permutes the {spec.inputs} inputs and turns the sign of G, "
        f"so G(F) is one of {count:,} orthogonal products, of which {point.samples} vectors span at most "
        f"{point.samples}: no kernel errs by less than {bound:.4g} on average; the ResNet is at m = {widest}, and its "
        "weights are drawn without regard to order and sign of the inputs, so one target stands for the class.",
    )


def fewer_multiplications(rows: Sequence[Row], point: Point, spec: BeyondKernelsStudySpec) -> Verdict:
    """Multiplications of linear regression over any features that has the ResNet's error, against the ResNet's."""
    measured = resnet_by_width(rows, point, spec)
    widest = max(measured)
    trainings = len(spec.learning_rates["resnet"]) * len(spec.weight_decays["resnet"])
    forward = resnet_multiplications(spec.inputs, spec.outputs, widest)
    ours = PASSES * forward * point.samples * spec.epochs * trainings
    sizes = spec.outputs, spec.alpha, spec.inputs
    errors = measured[widest]
    logs = {seed: math.log10(max(1, linear_multiplications(e, *sizes)) / ours) for seed, e in errors.items()}
    found = None if over_finite(errors) is None else over_finite(logs)
    needed = [least_dimensions(error, *sizes) for error in errors.values()]
    return Statement(
        STUDY,
        "The three-layer ResNet reaches its error with fewer multiplications than linear regression over any features "
        "that are chosen before the target, on average over the concept class; the value is log10 of the ratio.",
        "linear regression over any feature mapping needs more time [paper, theorem]",
        date(2026, 11, 26),
    ).judged(
        found,
        answer_of(found),
        f"yes or no if the interval excludes 0; the ResNet at m = {widest}: {PASSES} passes of {forward:,} "
        f"multiplications for {point.samples} vectors, {spec.epochs} epochs and all {trainings} trainings of its grid, "
        f"{ours:.2g}; the dimension argument asks for {min(needed):,.0f} to {max(needed):,.0f} features and as many "
        "vectors, each read once; features that are summed without being computed are not counted.",
    )


def linear_methods(rows: Sequence[Row], point: Point, spec: BeyondKernelsStudySpec) -> dict[str, Errors]:
    """Errors of every kernel in closed form, and of every random network at every width."""
    found: dict[str, Errors] = {}
    for arm in KERNEL_ARMS:
        found[f"{arm} in closed form"] = errors_by_seed(rows, arm, point, closed_form=True)
        for width in spec.widths:
            found[f"{arm} at width {width}"] = errors_by_seed(rows, arm, point._replace(width=width))
    return {name: errors for name, errors in found.items() if errors}


def best_kernel(rows: Sequence[Row], point: Point) -> tuple[Arm, Errors]:
    """The kernel in closed form with the smallest mean error at a size."""
    found = {arm: errors_by_seed(rows, arm, point, closed_form=True) for arm in KERNEL_ARMS}
    measured = {arm: errors for arm, errors in found.items() if errors}
    best = min(measured, key=lambda arm: fmean(measured[arm].values()))
    return best, measured[best]


def net_without_shortcut_between(rows: Sequence[Row], point: Point) -> Verdict:
    """Three-layer net without shortcut against the ResNet and the best kernel."""
    name, kernel = best_kernel(rows, point)
    net3, resnet = errors_by_seed(rows, "net3", point), errors_by_seed(rows, "resnet", point)
    above, below = difference(net3, resnet), difference(kernel, net3)
    known = [gap for gap in (above, below) if gap is not None]
    return Statement(
        STUDY,
        "The error of the three-layer net without shortcut is larger than that of the ResNet and smaller "
        "than that of the best kernel; the value is its error.",
        "0.5 to 0.8 between 0.10 to 0.29 and 1.4 to 2.7 in version 2 [paper, read from a figure]",
        date(2026, 11, 25),
    ).judged(
        found=over_finite(net3),
        answer="unclear" if len(known) < 2 else is_positive(*known),
        why=f"differences paired by seed: to the ResNet {_signed(above)}, to the best kernel, {name}, "
        f"{_signed(below)}; {joint_rule(2)}. {listed(net3)}.",
    )


def backward_feature_correction(rows: Sequence[Row], point: Point) -> Verdict:
    """The error of F read off the first block: trained for itself, which is the two-layer net, less trained jointly."""
    alone, jointly = (parts_by_seed(rows, net, point, "error_of_f") for net in ("net2", "resnet"))
    gap = difference(alone, jointly)
    return Statement(
        STUDY,
        "Backward feature correction: training with the second block improves the first, so that F is read off "
        "it with a smaller error than off a block that was trained for itself; the value is the difference.",
        "not measured; the later layers correct the features of the earlier ones [recalled, the authors' follow-up]",
        date(2026, 11, 26),
    ).judged(
        gap,
        answer_of(gap),
        "yes or no if the interval excludes 0; linear regression from the output of the first block, learned on "
        f"validation vectors: trained for itself {_mean(alone)}, jointly {_mean(jointly)}; the first block for itself "
        "is the two-layer net of equal width, whose settings are selected for the error of H.",
    )


def resnet_gains_more_from_a_small_alpha(
    rows: Sequence[Row], point: Point, spec: BeyondKernelsStudySpec
) -> Verdict:
    """The exponent of alpha in the part of the ResNet's error along G, against that of the least error of kernels."""
    name, _ = best_kernel(rows, point)
    alphas = spec.alphas
    along = exponents(
        [parts_by_seed(rows, "resnet", point._replace(alpha=a), "error_along_g") for a in alphas], alphas
    )
    gap = over_finite({seed: exponent - OF_KERNELS for seed, exponent in along.items()})
    whole = exponents([errors_by_seed(rows, "resnet", point._replace(alpha=a)) for a in alphas], alphas)
    kernel = exponents(
        [errors_by_seed(rows, name, point._replace(alpha=a), closed_form=True) for a in alphas], alphas
    )
    return Statement(
        STUDY,
        f"The part of the ResNet's error along G scales with a higher power of alpha than the {OF_KERNELS:g} of the "
        "least error of kernels; the value is the difference of the exponents.",
        "alpha^4 against alpha^2, a difference of 2 [paper, theorem]",
        date(2026, 11, 26),
    ).judged(
        gap,
        answer_of(gap),
        f"yes or no if the interval excludes 0; exponents are slopes of log error over log alpha in {list(alphas)}; "
        f"the least error of kernels goes with alpha^{OF_KERNELS:g} by the dimension argument; exponents of whole "
        f"errors, in which the error of F hides that of G: ResNet {_mean(whole)}, {name} {_mean(kernel)}. "
        f"{_of_the_threshold(rows, point, spec, name)}",
    )


def _of_the_threshold(rows: Sequence[Row], point: Point, spec: BeyondKernelsStudySpec, name: Arm) -> str:
    """Median errors in units of k alpha^2, as text."""
    told = []
    for arm in ("resnet", name):
        errors = [
            errors_by_seed(rows, arm, point._replace(alpha=a), closed_form=arm != "resnet")
            for a in spec.alphas
        ]
        ratios = [
            median(e.values()) / threshold(spec.outputs, a) if e else math.nan
            for e, a in zip(errors, spec.alphas)
        ]
        told.append(f"{'ResNet' if arm == 'resnet' else arm} {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    return f"In units of k alpha^2 the median errors are: {'; '.join(told)}."


def exponents(found: Sequence[Errors], alphas: Sequence[float]) -> Errors:
    """Slope of log error over log alpha for each seed run at every alpha; infinite if one training diverged."""
    shared = set.intersection(*map(set, found))
    return {seed: _exponent(alphas, [errors[seed] for errors in found]) for seed in sorted(shared)}


def _exponent(alphas: Sequence[float], errors: Sequence[float]) -> float:
    if not all(map(math.isfinite, errors)):
        return math.inf
    return float(np.polyfit(np.log(alphas), np.log(errors), 1)[0])


def second_block_holds_g(rows: Sequence[Row]) -> Verdict:
    """Information about G of a linear probe of hidden2 against hidden1, after the last epoch."""
    last = max(row.epoch for row in rows if row.epoch is not None)
    hidden1, hidden2 = (bits_by_seed(rows, layer, "G1", LINEAR, last) for layer in ("hidden1", "hidden2"))
    gap = difference(hidden2, hidden1)
    return Statement(
        STUDY,
        "After training a linear probe extracts G from the second block's hidden layer and not from the "
        "first's; the value is the difference in bits.",
        INTUITION,
        date(2026, 11, 24),
    ).judged(
        found=gap,
        answer=answer_of(gap),
        why=f"yes or no if the interval excludes 0; lower bounds on fresh vectors at epoch {last}: hidden1 "
        f"{_mean(hidden1)}, hidden2 {_mean(hidden2)} of one bit. Every layer determines the bit; the probe "
        "measures how much is linearly readable.",
    )


def f_before_g(rows: Sequence[Row]) -> Verdict:
    """The first probed epoch at which a linear probe extracts half a bit: F from out1, G from hidden2."""
    f = first_epochs(rows, "out1", sorted({r.about for r in rows if r.about and r.about != "G1"}))
    g = first_epochs(rows, "hidden2", ["G1"])
    gap = difference(g, f)
    return Statement(
        STUDY,
        "F is learned before G: a linear probe extracts half a bit of F from out1 earlier than half a bit "
        "of G from the second block's hidden layer; the value is the difference in epochs.",
        INTUITION,
        date(2026, 11, 24),
    ).judged(
        found=gap,
        answer=answer_of(gap),
        why="yes or no if the interval excludes 0; lower bounds on fresh vectors at the probed epochs: F after "
        f"{_mean(f)} epochs, G after {_mean(g)}; a seed that never reaches half a bit counts as the last epoch.",
    )


def first_epochs(rows: Sequence[Row], layer: str, abouts: Sequence[str]) -> Errors:
    """For each seed the first probed epoch at which the mean over coordinates reaches half a bit, else the last."""
    epochs = sorted({row.epoch for row in rows if row.epoch is not None})
    by_epoch = {
        epoch: [bits_by_seed(rows, layer, about, LINEAR, epoch) for about in abouts] for epoch in epochs
    }
    return {seed: _first_epoch(by_epoch, seed) for seed in sorted(by_epoch[epochs[-1]][0])}


def _first_epoch(by_epoch: Mapping[int, Sequence[Errors]], seed: int) -> float:
    reached = (epoch for epoch, found in by_epoch.items() if np.mean([b[seed] for b in found]) >= HALF_A_BIT)
    return float(next(reached, max(by_epoch)))


def bits_by_seed(rows: Sequence[Row], layer: str, about: str, probe: str, epoch: int) -> Errors:
    """Bits extracted by the probe, by seed."""
    return {
        row.seed: row.bits
        for row in rows
        if (row.layer, row.about, row.probe, row.epoch) == (layer, about, probe, epoch)
        and row.bits is not None
    }


def difference(a: Mapping[int, float], b: Mapping[int, float]) -> SeedInterval | None:
    """The mean of a - b over common seeds; None if there are none or a value is not finite."""
    return over_finite({seed: a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())})


def over_finite(values: Mapping[int, float]) -> SeedInterval | None:
    """The mean of one value per seed; None if there is none or a value is not finite."""
    if not values or not all(map(math.isfinite, values.values())):
        return None
    return over_seeds([values[seed] for seed in sorted(values)])


def answer_of(interval: SeedInterval | None) -> Answer:
    """Whether a mean is positive; unclear without an interval."""
    return "unclear" if interval is None else is_positive(interval)


def listed(errors: Mapping[int, float]) -> str:
    """The value of every seed and the median, as text.

    >>> listed({0: 0.25, 1: 2.5, 2: 0.5})
    'Seeds 0.25, 2.50, 0.50, median 0.50'
    """
    return f"Seeds {', '.join(f'{errors[seed]:.2f}' for seed in sorted(errors))}, median {median(errors.values()):.2f}"


def _at(row: Row, point: Point) -> bool:
    return (row.alpha, row.samples, row.width) == point


def _mean(values: Mapping[int, float]) -> str:
    return f"{np.mean(list(values.values())):.2f}" if values else "-"


def _signed(interval: SeedInterval | None) -> str:
    return "-" if interval is None else f"{interval.mean:+.2f} ({interval_text(interval)})"
