"""Verdicts on the claims of the paper.

Every value is computed for each seed and then averaged; the 95 % interval of the mean (Student's t over seeds)
decides. It covers the variation of initial weights and the order of images, but not of the evaluation images.
"""

from collections.abc import Callable, Sequence

from ib_analysis.information.estimators.distinct_rows import ALONE_SHARE
from ib_analysis.studies.quantized.pareto_front import dominance, pareto_front, share_dominated
from ib_analysis.studies.quantized.row import QuantizedRow, candidates, seeds, trained
from ib_analysis.studies.seed_interval import (
    SeedInterval,
    interval_text,
    is_positive,
    lies_above,
    lies_below,
    over_seeds,
)
from ib_analysis.studies.verdict import Verdict, verdict_over_seeds

Value = Callable[[QuantizedRow], float | None]
STUDY = "quantized"
BASELINE = "bf16"
NARROWEST_TAP = "pooled_quantized"
"""The layer with the fewest units, where the plug-in entropy saturates least."""
NOTHING = 1.0
"""A loss of accuracy below this, in percentage points, counts as none."""
CURVES = "bf16 is dominated by the 4-bit and 8-bit curves [paper]"
BEST = "models primarily 4-bit give the best curve [paper]"
REGULARIZING = "a regularizing effect, seen in the generalization gap [paper, abstract]"


def verdicts(rows: Sequence[QuantizedRow]) -> list[Verdict]:
    """One verdict for each claim."""
    return [
        above(rows, "w4a4", BASELINE, CURVES),
        above(rows, "w8a8", BASELINE, CURVES),
        above(rows, "w4a4", "w8a8", BEST),
        above(rows, "w4a4", "w2a2", BEST),
        no_loss(rows, "w8a8", "77.43 % against 76.65 % at bf16 [code]"),
        no_loss(rows, "w4a4", "77.09 % against 76.65 % at bf16 [code]"),
        *(smaller_gap(rows, bits) for bits in ("w8a8", "w4a4", "w2a2")),
        less_entropy(rows, "w2a2", "w4a4"),
        less_entropy(rows, "w4a4", "w8a8"),
        less_entropy_of_units(rows, "w2a2", "w4a4"),
        less_entropy_of_units(rows, "w4a4", "w8a8"),
    ]


def above(rows: Sequence[QuantizedRow], bits: str, other: str, paper: str) -> Verdict:
    """Whether the front of one bit width lies above that of another."""
    claim = (
        f"the {bits} front lies above the {other} front at equal compute cost (mean over log cost along the more "
        "expensive front, percentage points)"
    )
    found = front_difference(rows, bits, other)
    if found is None:
        return verdict_over_seeds(
            STUDY, claim, paper, None, "unclear", f"no seed has networks at {bits} and {other}"
        )
    why = (
        f"yes or no if the interval excludes 0; a cheaper network of the {bits} front matches "
        f"{100 * mean_share(rows, bits, other):.0f} % of the {other} networks; {scale(rows)}"
    )
    return verdict_over_seeds(STUDY, claim, paper, found, is_positive(found), why)


def front_difference(rows: Sequence[QuantizedRow], bits: str, other: str) -> SeedInterval | None:
    """`dominance` of one front over another in percentage points, by seed; None if no seed has both.

    It is taken along the front with the more expensive networks; if `other` is the cheaper front, the sign is reversed.
    """
    found = []
    for seed in seeds(rows):
        front, against = (pareto_front(candidates(trained(rows, name, seed))) for name in (bits, other))
        if front and against:
            cheaper = front[0].cost <= against[0].cost
            found.append(dominance(front, against) if cheaper else -dominance(against, front))
    return over_seeds([100 * value for value in found]) if found else None


def mean_share(rows: Sequence[QuantizedRow], bits: str, other: str) -> float:
    """`share_dominated` by the front, averaged over the seeds that have both."""
    pairs = [
        (pareto_front(candidates(trained(rows, bits, seed))), candidates(trained(rows, other, seed)))
        for seed in seeds(rows)
    ]
    shares = [share_dominated(front, others) for front, others in pairs if front and others]
    return sum(shares) / len(shares)


def no_loss(rows: Sequence[QuantizedRow], bits: str, paper: str) -> Verdict:
    """Whether the same networks are as accurate at few bits."""
    claim = (
        f"the same network is no less accurate at {bits} than at {BASELINE} (difference, percentage points)"
    )
    found = paired(rows, bits, BASELINE, accuracy)
    if found is None:
        return verdict_over_seeds(
            STUDY, claim, paper, None, "unclear", f"no network was trained at {bits} and {BASELINE}"
        )
    why = (
        f"mean over sizes; yes if the interval lies above -{NOTHING:g} point, no if below; the largest network alone "
        f"{largest_alone(rows, bits)}; {scale(rows)}"
    )
    return verdict_over_seeds(STUDY, claim, paper, found, lies_above(found, -NOTHING), why)


def largest_alone(rows: Sequence[QuantizedRow], bits: str) -> str:
    """The difference of accuracy for the network with the most multiplications, as text."""
    size = max(trained(rows, BASELINE), key=lambda row: row.multiplications or 0).size
    found = paired([row for row in rows if row.size == size], bits, BASELINE, accuracy)
    return f"{found.mean:+.2f}, {interval_text(found)}" if found else "was not trained at both"


def smaller_gap(rows: Sequence[QuantizedRow], bits: str) -> Verdict:
    """Whether the generalization gap is smaller at few bits."""
    claim = f"the generalization gap is smaller at {bits} than at {BASELINE} (difference, percentage points)"
    found = paired(rows, bits, BASELINE, generalization_gap)
    if found is None:
        return verdict_over_seeds(
            STUDY, claim, REGULARIZING, None, "unclear", f"no network was trained at {bits} and {BASELINE}"
        )
    learned = paired(rows, bits, BASELINE, training_accuracy)
    why = (
        "yes or no if the interval excludes 0; training accuracy minus evaluation accuracy of the same networks, mean "
        "over sizes; training accuracy differs by "
        f"{learned.mean if learned else 0:+.1f} points, and a smaller gap due to lower training accuracy is no "
        f"regularization; {scale(rows)}"
    )
    return verdict_over_seeds(STUDY, claim, REGULARIZING, found, lies_below(found, 0), why)


def less_entropy(rows: Sequence[QuantizedRow], bits: str, other: str) -> Verdict:
    """Whether the plug-in entropy of the narrowest layer is smaller at fewer bits."""
    layer = NARROWEST_TAP.removesuffix("_quantized")
    claim = f"the {layer} layer holds less at {bits} than at {other} (plug-in H(h), difference in bits)"
    telling = [row for row in at_tap(rows, bits) if row.alone is not None and row.alone <= ALONE_SHARE]
    found = differences(telling, at_tap(rows, other), lambda row: row.entropy_bits)
    if found is None:
        why = f"at {bits} most images have a unique row in every network: entropy saturates; {scale(rows)}"
        return verdict_over_seeds(STUDY, claim, "", None, "unclear", why)
    most = max((row.alone or 0.0) for row in at_tap(rows, other))
    chosen = f"{len({row.size for row in telling})} of {len({row.size for row in rows})} sizes"
    why = (
        f"yes or no if the interval excludes 0; {chosen}, those whose {bits} layer does not separate most images; up "
        f"to {100 * most:.0f} % of the images have a unique row at {other}, so the difference is a lower bound; "
        f"{scale(rows)}"
    )
    return verdict_over_seeds(STUDY, claim, "", found, lies_below(found, 0), why)


def less_entropy_of_units(rows: Sequence[QuantizedRow], bits: str, other: str) -> Verdict:
    """Whether the sum of unit entropies, an upper bound of the entropy, is smaller at fewer bits."""
    layer = NARROWEST_TAP.removesuffix("_quantized")
    claim = f"the units of the {layer} layer hold less at {bits} than at {other} (mean H(h_u), difference in bits)"
    found = differences(at_tap(rows, bits), at_tap(rows, other), entropy_of_a_unit)
    if found is None:
        return verdict_over_seeds(
            STUDY, claim, "", None, "unclear", f"no network was trained at {bits} and {other}"
        )
    why = f"yes or no if the interval excludes 0; the sum of H(h_u) over units bounds I(x;h) from above; {scale(rows)}"
    return verdict_over_seeds(STUDY, claim, "", found, lies_below(found, 0), why)


def entropy_of_a_unit(row: QuantizedRow) -> float | None:
    """Mean entropy of the units of a layer, in bits."""
    if row.units is None or row.units_entropy_bits is None:
        return None
    return row.units_entropy_bits / row.units


def at_tap(rows: Sequence[QuantizedRow], bits: str) -> list[QuantizedRow]:
    """The rows of the narrowest layer at one bit width."""
    return [row for row in rows if (row.bits, row.tap) == (bits, NARROWEST_TAP)]


def paired(rows: Sequence[QuantizedRow], bits: str, other: str, value: Value) -> SeedInterval | None:
    """The difference of a value of whole networks between two bit widths, in percentage points."""
    found = differences(trained(rows, bits), trained(rows, other), value)
    return found and SeedInterval(100 * found.mean, found.stderr and 100 * found.stderr, found.n)


def differences(
    rows: Sequence[QuantizedRow], others: Sequence[QuantizedRow], value: Value
) -> SeedInterval | None:
    """The difference of a value between rows of the same size and seed, averaged over sizes, by seed."""
    theirs = {(row.size, row.seed): value(row) for row in others}
    of_seed: dict[int, list[float]] = {}
    for row in rows:
        mine, other = value(row), theirs.get((row.size, row.seed))
        if mine is not None and other is not None:
            of_seed.setdefault(row.seed, []).append(mine - other)
    return over_seeds([sum(found) / len(found) for found in of_seed.values()]) if of_seed else None


def accuracy(row: QuantizedRow) -> float | None:
    """Accuracy on the evaluation part."""
    return row.accuracy


def training_accuracy(row: QuantizedRow) -> float | None:
    """Accuracy on the encoder part."""
    return row.training_accuracy


def generalization_gap(row: QuantizedRow) -> float | None:
    """Accuracy on the training images minus accuracy on the evaluation part."""
    if row.training_accuracy is None or row.accuracy is None:
        return None
    return row.training_accuracy - row.accuracy


def scale(rows: Sequence[QuantizedRow]) -> str:
    """Images, number of sizes and weights of the study, as text."""
    sizes = {row.size for row in rows}
    weights = [row.weights for row in rows if row.weights is not None]
    return f"{rows[0].images}, {len(sizes)} sizes from {min(weights):,} to {max(weights):,} weights"
