"""Verdicts on the claims of the paper.

Comparisons use differences of evaluation accuracy between arms, paired by seed, in percentage points. The answer is
yes or no only if the 95 % interval of their mean (Student's t over seeds) excludes 0. The interval covers the
variation of initial weights, order of images and training images, but not of the evaluation images.
"""

import math
from collections.abc import Sequence
from datetime import date

from ib_analysis.encoders.specs.rir import Arm
from ib_analysis.studies.learning_rate import end_of_the_tried
from ib_analysis.studies.rir.row import RirRow, accuracies, chosen_learning_rates, reported, whole
from ib_analysis.studies.rir.stream_knock_out import STREAMS, Stream
from ib_analysis.studies.seed_interval import (
    Answer,
    SeedInterval,
    interval_text,
    is_positive,
    joint_rule,
    lies_above,
    over_seeds,
)
from ib_analysis.studies.verdict import Statement, Verdict

STUDY = "rir"
PAPER_ACCURACY = 94.99
"""Accuracy on CIFAR-10 in per cent, as quoted by others."""
PAPER_STEP = 0.5
"""The smallest quoted gain, in percentage points."""
UNUSED = 0.5
"""A loss of accuracy below this, in percentage points, counts as none: a stream that is not read loses exactly 0."""
NORMAL_QUANTILE = 1.96
"""Half-width of a 95 % interval with many seeds, in standard errors."""
NAMES: dict[Arm, str] = {
    "plain": "plain CNN",
    "resnet": "ResNet",
    "resnet_init": "ResNet Init",
    "rir": "RiR",
}


def verdicts(rows: Sequence[RirRow]) -> list[Verdict]:
    """One verdict for each claim, for the networks at their selected learning rates."""
    best = reported(rows)
    scale = scale_sentence(rows)
    return [
        better(rows, "resnet", "0.5 to 1 point on CIFAR-10 [third]", scale),
        better(rows, "plain", "0.5 to 1 point on CIFAR-10 [third]", scale),
        between(rows, scale),
        no_overhead(best),
        *(used(best, stream, scale) for stream in STREAMS),
        headline(best, scale),
    ]


def difference(rows: Sequence[RirRow], arm: Arm, other: Arm) -> SeedInterval | None:
    """Difference of accuracy between two arms in percentage points, paired by seed; None without a pair."""
    a, b = accuracies(rows, arm), accuracies(rows, other)
    pairs = [100 * (a[seed] - b[seed]) for seed in a if seed in b]
    return over_seeds(pairs) if pairs else None


def better(rows: Sequence[RirRow], other: Arm, paper: str, scale: str) -> Verdict:
    """RiR against another arm."""
    statement = Statement(
        STUDY,
        f"RiR is more accurate than the {NAMES[other]} of equal size (difference, percentage points)",
        paper,
        date(2026, 11, 26),
    )
    best = reported(rows)
    found = difference(best, "rir", other)
    if found is None:
        return statement.unmeasured(f"no seed has both arms trained; {scale}")
    answer = is_positive(found)
    pair: tuple[Arm, Arm] = ("rir", other)
    ahead, behind = pair if found.mean > 0 else pair[::-1]
    edge = at_the_edge(rows, behind) + diverged(best, ahead)
    why = (
        "yes or no if the interval excludes 0 and the learning rate of the less accurate arm is not the end of the "
        f"tried rates, beyond which it may do better, and no network of the other diverged"
        f"{edge}{seeds_sentence(found)}; {scale}"
    )
    return statement.judged(found, "unclear" if edge else answer, why)


def at_the_edge(rows: Sequence[RirRow], arm: Arm) -> str:
    """If the selected learning rate of an arm is the smallest or the largest of several tried ones, that, as text."""
    end = end_of_the_tried(whole(rows), lambda row: row.arm, arm)
    return "" if end is None else f"; here {end:g} of the {NAMES[arm]} is such an end"


def diverged(rows: Sequence[RirRow], arm: Arm) -> str:
    """If networks of an arm diverged, so that its mean is of the others alone, how many, as text."""
    lost = [row.status for row in whole(rows) if row.arm == arm].count("diverged")
    return f"; here {lost} of the {NAMES[arm]} diverged" if lost else ""


def between(rows: Sequence[RirRow], scale: str) -> Verdict:
    """ResNet Init against ResNet and RiR."""
    statement = Statement(
        STUDY,
        "ResNet Init lies between ResNet and RiR (the smaller of the two differences, percentage points)",
        "",
        date(2026, 11, 27),
    )
    best = reported(rows)
    steps = [difference(best, "resnet_init", "resnet"), difference(best, "rir", "resnet_init")]
    found = [step for step in steps if step is not None]
    if len(found) < 2:
        return statement.unmeasured(f"no seed has all three arms trained; {scale}")
    first, second = found
    smaller = min(found, key=lambda step: step.mean)
    sides: tuple[tuple[Arm, Arm], ...] = (("resnet_init", "resnet"), ("rir", "resnet_init"))
    behind = {pair[1] if step.mean > 0 else pair[0] for pair, step in zip(sides, found)}
    ahead = {pair[0] if step.mean > 0 else pair[1] for pair, step in zip(sides, found)}
    doubts = [at_the_edge(rows, arm) for arm in NAMES if arm in behind]
    edges = "".join([*doubts, *(diverged(best, arm) for arm in NAMES if arm in ahead)])
    why = (
        f"ResNet Init minus ResNet {first.mean:+.2f} ({interval_text(first)}), RiR minus ResNet Init "
        f"{second.mean:+.2f} ({interval_text(second)}) points; {joint_rule(2)}, and of neither is "
        "the learning rate of the less accurate arm the end of the tried rates, nor did a network of the other "
        f"diverge{edges}; {scale}"
    )
    return statement.judged(smaller, "unclear" if edges else is_positive(*found), why)


def no_overhead(rows: Sequence[RirRow]) -> Verdict:
    """Parameters and multiply-adds of RiR against those of the plain CNN."""
    parameters = {row.arm: row.parameters for row in rows}
    work = {row.arm: row.multiply_adds for row in rows}
    statement = Statement(
        STUDY,
        "RiR needs no more multiply-adds than the plain CNN (ratio)",
        "no computational overhead [paper]",
        date(2026, 11, 24),
        kind="implementation",
    )
    if not {"rir", "plain"} <= work.keys():
        return statement.unmeasured("an arm is missing")
    ratio, sizes = work["rir"] / work["plain"], parameters["rir"] / parameters["plain"]
    why = (
        f"counted, not timed: parameters {parameters['rir']:,} against {parameters['plain']:,}, multiply-adds of "
        f"convolutions {work['rir']:,} against {work['plain']:,} per image; yes if neither is larger, which needs "
        "shortcut: padding (projections are extra convolutions)"
    )
    return statement.judged_exactly(ratio, "yes" if ratio <= 1 and sizes <= 1 else "no", why)


def used(rows: Sequence[RirRow], stream: Stream, scale: str) -> Verdict:
    """Whether RiR loses accuracy when a stream is set to zero."""
    statement = Statement(
        STUDY,
        f"RiR uses its {stream} stream (loss of accuracy when it is zero, mean over blocks, percentage points)",
        "",
        date(2026, 11, 27),
    )
    losses = losses_of_blocks(rows, "rir", stream)
    if not losses:
        return statement.unmeasured(f"no RiR was trained; {scale}")
    seeds = list(next(iter(losses.values())))
    found = over_seeds([sum(loss[seed] for loss in losses.values()) / len(losses) for seed in seeds])
    of_blocks = [over_seeds(list(loss.values())) for loss in losses.values()]
    silent = sum(loss.high < UNUSED for loss in of_blocks)
    telling = sum(loss.low > 0 and loss.high >= UNUSED for loss in of_blocks)
    answer: Answer = "yes" if 2 * telling > len(losses) else "no" if 2 * silent > len(losses) else "unclear"
    others = [mean_loss(rows, arm, stream) for arm in ("resnet", "plain")]
    half = "first" if stream == "residual" else "second"
    why = (
        f"the interval lies below {UNUSED:g} at {silent} of {len(losses)} blocks, else above 0 at {telling}; yes and "
        f"no need more than half of them, so that no single block decides; zeroing the {half} half of the channels "
        f"costs ResNet {others[0]} and the plain CNN {others[1]} points; {scale}"
    )
    return statement.judged(found, answer, why)


def losses_of_blocks(rows: Sequence[RirRow], arm: Arm, stream: Stream) -> dict[int, dict[int, float]]:
    """Loss of accuracy in percentage points, by block and seed."""
    intact = accuracies(rows, arm)
    blocks = sorted({row.block for row in rows if row.arm == arm and row.block is not None})
    without = {block: accuracies(rows, arm, block, stream) for block in blocks}
    return {
        block: {seed: 100 * (intact[seed] - value) for seed, value in found.items()}
        for block, found in without.items()
    }


def mean_loss(rows: Sequence[RirRow], arm: Arm, stream: Stream) -> str:
    """Mean loss of accuracy of an arm over blocks and seeds, as text."""
    values = [loss for losses in losses_of_blocks(rows, arm, stream).values() for loss in losses.values()]
    return f"{sum(values) / len(values):.1f}" if values else "(not trained)"


def headline(rows: Sequence[RirRow], scale: str) -> Verdict:
    """The paper's accuracy on CIFAR-10."""
    statement = Statement(
        STUDY,
        f"RiR reaches {PAPER_ACCURACY} % of CIFAR-10 (accuracy, per cent)",
        f"{PAPER_ACCURACY} % [third]",
        date(2026, 11, 25),
    )
    values = [100 * value for value in accuracies(rows, "rir").values()]
    if not values:
        return statement.unmeasured(f"no RiR was trained; {scale}")
    found = over_seeds(values)
    if {row.images for row in rows} != {"cifar10"}:
        why = f"not tested, because the images are not CIFAR-10; {scale}"
        return statement.judged(found, "unclear", why)
    limit = PAPER_ACCURACY - PAPER_STEP
    why = (
        f"yes if the interval lies above {limit:g}, the paper's value minus the smallest quoted gain, no if below; "
        f"{scale}"
    )
    return statement.judged(found, lies_above(found, limit), why)


def scale_sentence(rows: Sequence[RirRow]) -> str:
    """Images, sizes and learning rates of the study, as text."""
    row, rates = rows[0], chosen_learning_rates(rows)
    chosen = ", ".join(f"{NAMES[arm]} {rate:g}" for arm, rate in rates.items())
    return (
        f"{row.training_images:,} training images{learned_sentence(rows)} and {row.evaluation_images:,} evaluation "
        f"images of {row.images}, {row.parameters:,} parameters, learning rates selected on the decoder part: {chosen}"
    )


def learned_sentence(rows: Sequence[RirRow]) -> str:
    """Which share of its training images RiR learned at its selected rate, as text."""
    values = [row.training_accuracy for row in whole(reported(rows)) if row.arm == "rir"]
    known = [value for value in values if value is not None]
    return f" (RiR learned {100 * sum(known) / len(known):.1f} %)" if known else ""


def seeds_sentence(found: SeedInterval) -> str:
    """For an undecided difference the number of seeds needed to detect the paper's smallest gain, as text."""
    if found.stderr is None or is_positive(found) != "unclear":
        return ""
    needed = math.ceil(found.n * (NORMAL_QUANTILE * found.stderr / PAPER_STEP) ** 2)
    return f"; at this spread a difference of {PAPER_STEP} point is detectable with about {needed} seeds"
