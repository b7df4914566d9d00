"""Verdicts on the claims of the paper.

Every value is computed for each seed and then averaged; the 95 % interval of the mean (Student's t over seeds)
decides. It covers the variation of initial weights and the order of images, but not of the evaluation images.
"""

from collections.abc import Callable, Sequence
from datetime import date

from ib_analysis.information.estimators.distinct_rows import ALONE_SHARE
from ib_analysis.studies.learning_rate import end_of_the_tried
from ib_analysis.studies.quantized.pareto_front import Candidate, dominance, pareto_front, share_dominated
from ib_analysis.studies.quantized.row import (
    Price,
    QuantizedRow,
    candidates,
    chosen_learning_rates,
    reported,
    seeds,
    trained,
    whole,
)
from ib_analysis.studies.seed_interval import (
    Answer,
    SeedInterval,
    interval_text,
    is_positive,
    lies_above,
    lies_below,
    over_seeds,
)
from ib_analysis.studies.verdict import Statement, Verdict

Value = Callable[[QuantizedRow], float | None]
STUDY = "quantized"
BASELINE = "bf16"
NARROWEST_TAP = "pooled_quantized"
"""The layer with the fewest units, where the plug-in entropy saturates least."""
PRICES: dict[Price, str] = {"compute_cost": "compute cost", "memory_bits": "memory of the weights"}
EACH = 90.0
"""A share of networks above this, in per cent, counts as each: a few hundred evaluation images leave ties."""
NOTHING = 1.0
"""A loss of accuracy below this, in percentage points, counts as none."""
CURVES = "bf16 is dominated by the 4-bit and 8-bit curves [paper]"
BEST = "models primarily 4-bit give the best curve [paper]"
REGULARIZING = "a regularizing effect, seen in the generalization gap [paper, abstract]"


def verdicts(rows: Sequence[QuantizedRow]) -> list[Verdict]:
    """One verdict for each claim, those on cost once for each price, for the networks at their selected rates."""
    best = reported(rows)
    return [
        *(front for price in PRICES for front in fronts(rows, price)),
        no_loss(rows, "w8a8", "77.43 % against 76.65 % at bf16 [code]"),
        no_loss(rows, "w4a4", "77.09 % against 76.65 % at bf16 [code]"),
        *(regularizes(rows, bits) for bits in ("w8a8", "w4a4", "w2a2")),
        less_entropy(best, "w2a2", "w4a4"),
        less_entropy(best, "w4a4", "w8a8"),
        less_entropy_of_units(best, "w2a2", "w4a4"),
        less_entropy_of_units(best, "w4a4", "w8a8"),
    ]


def fronts(rows: Sequence[QuantizedRow], price: Price) -> list[Verdict]:
    """The claims on cost and accuracy at one price."""
    return [
        each_is_dominated(rows, price),
        above(rows, ["w4a4"], BASELINE, CURVES, price),
        above(rows, ["w8a8"], BASELINE, CURVES, price),
        above(rows, ["w4a4"], "w8a8", BEST, price),
        above(rows, ["w4a4"], "w2a2", BEST, price),
        *mostly_of_four_bits(rows, price),
    ]


def mostly_of_four_bits(rows: Sequence[QuantizedRow], price: Price) -> list[Verdict]:
    """Whether 4-bit networks, some parts of which may have other bits, are best; none where none was trained."""
    mixed = sorted({row.bits for row in rows if row.bits.startswith("w4a4-")})
    if not mixed:
        return []
    return [
        above(rows, ["w4a4", *mixed], "w8a8", BEST, price),
        above(rows, ["w4a4", *mixed], "w4a4", "", price),
    ]


def each_is_dominated(rows: Sequence[QuantizedRow], price: Price) -> Verdict:
    """Whether each unquantized network has a quantized one that costs less and is more accurate."""
    statement = Statement(
        STUDY,
        f"for each {BASELINE} network there is a quantized one with lower {PRICES[price]} and higher accuracy (share "
        "of networks, per cent)",
        "for each bf16 model there are quantized models with lower cost and higher accuracy [paper, abstract]",
        date(2026, 11, 26),
    )
    best = reported(rows)
    quantized = sorted({row.bits for row in best} - {BASELINE})
    shares = [100 * share for share in shares_dominated(best, quantized, BASELINE, price)]
    if not shares:
        return statement.unmeasured(f"no seed has networks at {BASELINE} and at fewer bits")
    found = over_seeds(shares)
    answer, doubt = undoubted(rows, lies_above(found, EACH), quantized, BASELINE)
    why = (
        f"yes if the interval lies above {EACH:g} %, no if below{doubt}; each {BASELINE} network is compared with the "
        f"cheaper network at {', '.join(quantized)} that validation images prefer, by evaluation images; {scale(best)}"
    )
    return statement.judged(found, answer, why)


def above(rows: Sequence[QuantizedRow], bits: Sequence[str], other: str, paper: str, price: Price) -> Verdict:
    """Whether the common front of some bit widths lies above that of another."""
    name = " or ".join(bits)
    statement = Statement(
        STUDY,
        f"the {name} front lies above the {other} front at equal {PRICES[price]} (mean over log cost along the more "
        "expensive front, percentage points)",
        paper,
        date(2026, 11, 24 if price == "compute_cost" and one_rate(rows) and len(bits) == 1 else 26),
    )
    best = reported(rows)
    found = front_difference(best, bits, other, price)
    if found is None:
        return statement.unmeasured(f"no seed has networks at {name} and {other}")
    shares = shares_dominated(best, bits, other, price)
    answer, doubt = undoubted(rows, is_positive(found), bits, other)
    why = (
        f"yes or no if the interval excludes 0{doubt}; a cheaper network of the {name} front is more accurate than "
        f"{100 * sum(shares) / len(shares):.0f} % of the {other} networks; {scale(best)}"
    )
    return statement.judged(found, answer, why)


def undoubted(
    rows: Sequence[QuantizedRow], answer: Answer, bits: Sequence[str], other: str
) -> tuple[Answer, str]:
    """The answer to "`bits` is better than `other`" and its condition as text; unclear if it may be overturned.

    What the answer calls worse may do better beyond the tried learning rates if it was best at the end of them. What it
    calls better may have lost its worst networks, which have no accuracy.
    """
    against, better = {"yes": ([other], bits), "no": (bits, [other])}.get(answer, ([], []))
    losses = [f"{lost} of {name}" for name in better if (lost := diverged(reported(rows), name))]
    rule = ", and if of what this calls better no network diverged"
    if losses:
        return "unclear", f"{rule}; here {' and '.join(losses)} did"
    if one_rate(rows):
        return answer, rule
    rule += (
        " and the learning rate of the bit width that this speaks against is not the end of the tried rates, beyond "
        "which it may do better"
    )
    ends = {name: end_of_the_tried(whole(rows), lambda row: row.bits, name) for name in against}
    met = [f"{end:g} of {name}" for name, end in ends.items() if end is not None]
    return ("unclear", f"{rule}; here {' and '.join(met)} is such an end") if met else (answer, rule)


def diverged(rows: Sequence[QuantizedRow], bits: str) -> int:
    """How many whole networks of one bit width diverged."""
    return sum(row.bits == bits and row.status == "diverged" for row in whole(rows))


def one_rate(rows: Sequence[QuantizedRow]) -> bool:
    """Whether all networks were trained at one learning rate, so that none was chosen."""
    return len({row.learning_rate for row in rows}) == 1


def front_difference(
    rows: Sequence[QuantizedRow], bits: Sequence[str], other: str, price: Price
) -> SeedInterval | None:
    """`dominance` of the common front of some bit widths over that of another in percentage points, by seed.

    None if no seed has both. It is taken along the front with the more expensive networks; if `other` is the cheaper
    front, the sign is reversed.
    """
    found = []
    for seed in seeds(rows):
        front, against = (front_of(rows, names, seed, price) for names in (bits, [other]))
        if front and against:
            cheaper = front[0].cost <= against[0].cost
            found.append(dominance(front, against) if cheaper else -dominance(against, front))
    return over_seeds([100 * value for value in found]) if found else None


def front_of(rows: Sequence[QuantizedRow], bits: Sequence[str], seed: int, price: Price) -> list[Candidate]:
    """The common front of the networks of some bit widths and one seed."""
    return pareto_front(candidates([row for name in bits for row in trained(rows, name, seed)], price))


def shares_dominated(
    rows: Sequence[QuantizedRow], bits: Sequence[str], other: str, price: Price
) -> list[float]:
    """`share_dominated` by the common front of some bit widths, for each seed that has both."""
    pairs = [
        (front_of(rows, bits, seed, price), candidates(trained(rows, other, seed), price))
        for seed in seeds(rows)
    ]
    return [share_dominated(front, others) for front, others in pairs if front and others]


def no_loss(rows: Sequence[QuantizedRow], bits: str, paper: str) -> Verdict:
    """Whether the same networks are as accurate at few bits."""
    statement = Statement(
        STUDY,
        f"the same network is no less accurate at {bits} than at {BASELINE} (difference, percentage points)",
        paper,
        date(2026, 11, 26),
    )
    best = reported(rows)
    found = paired(best, bits, BASELINE, accuracy)
    if found is None:
        return statement.unmeasured(f"no network was trained at {bits} and {BASELINE}")
    by_interval: Answer = "no" if found.high < 0 else lies_above(found, -NOTHING)
    answer, doubt = undoubted(rows, by_interval, [bits], BASELINE)
    why = (
        f"mean over sizes; no if the interval lies below 0, yes if it reaches 0 and lies above -{NOTHING:g} point"
        f"{doubt}; the largest network alone {largest_alone(best, bits)}; {scale(best)}"
    )
    return statement.judged(found, answer, why)


def largest_alone(rows: Sequence[QuantizedRow], bits: str) -> str:
    """The difference of accuracy for the network with the most multiplications, as text."""
    size = max(trained(rows, BASELINE), key=lambda row: row.multiplications or 0).size
    found = paired([row for row in rows if row.size == size], bits, BASELINE, accuracy)
    return f"{found.mean:+.2f}, {interval_text(found)}" if found else "was not trained at both"


def regularizes(rows: Sequence[QuantizedRow], bits: str) -> Verdict:
    """Whether the generalization gap is smaller at few bits, in networks that do not learn all their images."""
    statement = Statement(
        STUDY,
        f"{bits} regularizes: the generalization gap is smaller than at {BASELINE} and accuracy no lower (difference "
        "of the gap, percentage points)",
        REGULARIZING,
        date(2026, 11, 26),
    )
    best = reported(rows)
    telling = [row for row in best if row.training_accuracy is not None and row.training_accuracy < 1]
    gap, gain = (paired(telling, bits, BASELINE, value) for value in (generalization_gap, accuracy))
    if gap is None or gain is None:
        return statement.unmeasured(
            f"no network was trained at {bits} and {BASELINE} without learning all its images at one of them; "
            f"{scale(best)}"
        )
    by_interval: Answer = "no" if gain.high < 0 else lies_below(gap, 0)
    answer, doubt = undoubted(rows, by_interval, [bits], BASELINE)
    pairs = len(pairs_of(telling, bits, BASELINE))
    why = (
        f"yes if the interval lies below 0, no if above, or if accuracy surely falls, for then less is learned{doubt}; "
        f"only networks whose training accuracy is below 100 % at both, {pairs} of "
        f"{len(pairs_of(best, bits, BASELINE))} pairs of equal size and seed; accuracy differs by {gain.mean:+.1f} "
        f"points, {interval_text(gain)}; {scale(best)}"
    )
    return statement.judged(gap, answer, why)


def pairs_of(rows: Sequence[QuantizedRow], bits: str, other: str) -> set[tuple[tuple[str, str], int]]:
    """Sizes and seeds of the whole networks that were trained at both bit widths."""
    one, two = ({(row.size, row.seed) for row in trained(rows, name)} for name in (bits, other))
    return one & two


def less_entropy(rows: Sequence[QuantizedRow], bits: str, other: str) -> Verdict:
    """Whether the plug-in entropy of the narrowest layer is smaller at fewer bits."""
    layer = NARROWEST_TAP.removesuffix("_quantized")
    statement = Statement(
        STUDY,
        f"the {layer} layer holds less at {bits} than at {other} (plug-in H(h), difference in bits)",
        "",
        date(2026, 11, 25),
    )
    telling = [row for row in at_tap(rows, bits) if row.alone is not None and row.alone <= ALONE_SHARE]
    found = differences(telling, at_tap(rows, other), lambda row: row.entropy_bits)
    if found is None:
        return statement.unmeasured(
            f"at {bits} most images have a unique row in every network: entropy saturates; {scale(rows)}"
        )
    most = max((row.alone or 0.0) for row in at_tap(rows, other))
    chosen = f"{len({row.size for row in telling})} of {len({row.size for row in rows})} sizes"
    why = (
        f"yes or no if the interval excludes 0; {chosen}, those whose {bits} layer does not separate most images; up "
        f"to {100 * most:.0f} % of the images have a unique row at {other}, so the difference is a lower bound; "
        f"{scale(rows)}"
    )
    return statement.judged(found, lies_below(found, 0), why)


def less_entropy_of_units(rows: Sequence[QuantizedRow], bits: str, other: str) -> Verdict:
    """Whether the sum of unit entropies, an upper bound of the entropy, is smaller at fewer bits."""
    layer = NARROWEST_TAP.removesuffix("_quantized")
    statement = Statement(
        STUDY,
        f"the units of the {layer} layer hold less at {bits} than at {other} (mean H(h_u), difference in bits)",
        "",
        date(2026, 11, 24),
    )
    found = differences(at_tap(rows, bits), at_tap(rows, other), entropy_of_a_unit)
    if found is None:
        return statement.unmeasured(f"no network was trained at {bits} and {other}")
    why = f"yes or no if the interval excludes 0; the sum of H(h_u) over units bounds I(x;h) from above; {scale(rows)}"
    return statement.judged(found, lies_below(found, 0), why)


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


def generalization_gap(row: QuantizedRow) -> float | None:
    """Accuracy on the training images minus accuracy on the evaluation part."""
    if row.training_accuracy is None or row.accuracy is None:
        return None
    return row.training_accuracy - row.accuracy


def scale(rows: Sequence[QuantizedRow]) -> str:
    """Images, number of sizes, weights and selected learning rates of the study, as text."""
    sizes = {row.size for row in rows}
    weights = [row.weights for row in rows if row.weights is not None]
    rates = ", ".join(f"{bits} {rate:g}" for bits, rate in chosen_learning_rates(rows).items())
    networks = f"{len(sizes)} sizes from {min(weights):,} to {max(weights):,} weights"
    return f"{rows[0].images}, {networks}, learning rates {rates}"
