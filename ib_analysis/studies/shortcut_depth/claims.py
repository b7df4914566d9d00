"""Verdicts on the claims of the paper.

Theorems at zero weights are checks of the implementation, decided by the values. Claims are decided by the 95 %
interval of a mean over seeds (Student's t, settings paired by seed): a difference by an interval that excludes 0, an
equality by an interval inside or outside a margin given here. Seeds determine the initial weights and the read-out of
convolutional networks; the images are the same, and so are the Hessians of dense networks at zero weights.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from statistics import linear_regression
from typing import NamedTuple

from ib_analysis.studies.seed_interval import (
    Answer,
    SeedInterval,
    is_positive,
    joint_rule,
    lies_above,
    lies_below,
    lies_within,
    over_seeds,
)
from ib_analysis.studies.shortcut_depth.row import ShortcutDepthRow
from ib_analysis.studies.specs.shortcut_depth import ADVISED
from ib_analysis.studies.verdict import Statement, Verdict

STUDY = "shortcut_depth"
PAPER = "[paper]"
ROUNDING = 1e-6
"""Relative deviation from an equality that double precision may cause."""
FACTOR = 2.0
"""Condition numbers that differ by a smaller factor count as equal."""
SLACK = 1.1
"""A network whose training loss is at most this many times that of the shallowest one counts as equally trained."""
OURS = ("2", ADVISED)
"""Shortcut and initialization recommended by the paper."""
NAMES = {"identity": "linear", "tanh": "tanh", "relu": "ReLU"}
Rows = Sequence[ShortcutDepthRow]
Setting = tuple[str, str]
"""Shortcut and initialization."""
Value = Callable[[ShortcutDepthRow], float | None]


class Family(NamedTuple):
    """A family of networks that are compared with each other."""

    layout: str
    nonlinearity: str

    def __str__(self) -> str:
        return f"{self.layout} {NAMES[self.nonlinearity]}"


def verdicts(rows: Rows) -> list[Verdict]:
    """One verdict for each claim, and for each family of networks where families may differ."""
    families = list(dict.fromkeys(Family(row.layout, row.nonlinearity) for row in rows))
    return [
        invariant_at_zero(rows),
        *(grows_at_zero(rows, family) for family in families if chosen(rows, "zero", family, shortcut="1")),
        flat_at_zero(rows),
        half_negative(rows),
        *(invariant_near_zero(rows, family) for family in families),
        *(alike(rows, f) for f in families if f.layout == "dense" and f.nonlinearity != "identity"),
        *(
            plain_grows(rows, family, how)
            for family in families
            for how in ("xavier", "orthogonal")
            if chosen(rows, "initial", family, "none", how)
        ),
        *(beats(rows, family) for family in families),
        *(keeps_its_rate(rows, family) for family in families),
        *(descends_faster(rows, family) for family in families if chosen(rows, "along", family)),
        *(stays_conditioned(rows, family) for family in families if chosen(rows, "along", family)),
        *(nears_zero(rows, family) for family in families),
        *(curved_as_at_zero(rows, family) for family in families if chosen(rows, "zero", family, "2")),
    ]


def chosen(
    rows: Rows, experiment: str, family: Family, shortcut: str | None = None, how: str | None = None
) -> list[ShortcutDepthRow]:
    """The rows of one experiment and family, and of one setting."""
    return [
        row
        for row in rows
        if (row.experiment, row.layout, row.nonlinearity) == (experiment, *family)
        and shortcut in (None, row.shortcut)
        and how in (None, row.initialization)
    ]


def condition(row: ShortcutDepthRow) -> float | None:
    """log10 of the condition number."""
    return None if row.condition_number is None else math.log10(row.condition_number)


def loss(row: ShortcutDepthRow) -> float | None:
    """log10 of the training loss."""
    return None if row.training_loss is None else math.log10(row.training_loss)


def rate(row: ShortcutDepthRow) -> float | None:
    """log10 of the selected learning rate."""
    return None if row.learning_rate is None else math.log10(row.learning_rate)


def distance(row: ShortcutDepthRow) -> float | None:
    """log10 of the distance of a layer's weights from 0."""
    return None if row.layer_norm is None else math.log10(row.layer_norm)


def curvature(row: ShortcutDepthRow) -> float | None:
    """log10 of the largest absolute eigenvalue."""
    ends = [abs(end) for end in (row.largest_eigenvalue, row.smallest_eigenvalue) if end is not None]
    return math.log10(max(ends)) if any(ends) else None


def at_depths(rows: Rows, value: Value) -> dict[int, dict[int, float]]:
    """Values by number of layers and seed, the shallowest first, without rows that lack a value."""
    found = dict[int, dict[int, float]]()
    for row in sorted(rows, key=lambda row: row.layers):
        number = value(row)
        if number is not None:
            found.setdefault(row.layers, {})[row.seed] = number
    return found


def change(rows: Rows, value: Value) -> SeedInterval | None:
    """Growth of a value from the smallest to the largest depth that every seed has, paired by seed."""
    by_depth = at_depths(rows, value)
    seeds = {row.seed for row in rows}
    depths = [depth for depth, values in by_depth.items() if set(values) == seeds]
    if len(depths) < 2:
        return None
    first, last = by_depth[depths[0]], by_depth[depths[-1]]
    return over_seeds([last[seed] - first[seed] for seed in sorted(seeds)])


def slope(rows: Rows, value: Value) -> SeedInterval | None:
    """Slope of a value over log2 of the number of layers, by seed, over the deeper half of the depths of every seed.

    It is the change with each doubling of the depth. Half of an odd number of depths has the middle one; two depths are
    the least.
    """
    seeds = {row.seed for row in rows}
    complete = [(depth, values) for depth, values in at_depths(rows, value).items() if set(values) == seeds]
    deeper = complete[-max(2, (len(complete) + 1) // 2) :]
    if len(deeper) < 2:
        return None
    x = [math.log2(depth) for depth, _ in deeper]
    return over_seeds([linear_regression(x, [v[seed] for _, v in deeper]).slope for seed in sorted(seeds)])


def invariant_at_zero(rows: Rows) -> Verdict:
    """Depth 2 at zero weights: the condition number is that of the closed form at every depth."""
    found = [row for row in rows if row.experiment == "zero" and row.shortcut == "2" and row.condition_number]
    departures = [
        abs(row.condition_number / reference - 1)
        for row in found
        if row.condition_number and (reference := row.predicted_condition_number or _shallowest(found, row))
    ]
    worst = max(departures, default=None)
    closed = {f"{row.predicted_condition_number:.4g}" for row in found if row.predicted_condition_number}
    return Statement(
        STUDY,
        "Shortcut depth 2: the condition number at zero weights is the same at every depth (largest relative "
        "deviation)",
        "invariant [paper]",
        date(2026, 11, 24),
        kind="implementation",
    ).judged_exactly(
        worst,
        holds(worst, lambda departure: departure < ROUNDING),
        f"closed form sigma_max(M) / sigma_min(M) = {' and '.join(sorted(closed))} for dense linear and tanh networks; "
        f"convolutional ones against their smallest depth; depths {_depths(found)}; yes below {ROUNDING:g}",
    )


def _shallowest(rows: Rows, row: ShortcutDepthRow) -> float | None:
    own = [
        one
        for one in rows
        if (one.layout, one.nonlinearity, one.seed) == (row.layout, row.nonlinearity, row.seed)
    ]
    return min(own, key=lambda one: one.layers).condition_number


def grows_at_zero(rows: Rows, family: Family) -> Verdict:
    """Depth 1 at zero weights: growth of the condition number over the deeper half of the depths."""
    found = chosen(rows, "zero", family, "1")
    grown, limit = slope(found, condition), math.log10(FACTOR)
    same = "of dense networks it is the same for every seed; " if family.layout == "dense" else ""
    return Statement(
        STUDY,
        f"Shortcut depth 1, {family}: the condition number at zero weights explodes with depth (log10, growth with "
        "each doubling of the depth)",
        "explodes [paper]",
        date(2026, 11, 26),
    ).judged(
        grown,
        lies_above(grown, limit) if grown else "unclear",
        f"{_values(found, condition)}; slope over the deeper half of the depths, yes if its interval lies above log10 "
        f"{FACTOR:g} = {limit:.2g}, no if below; {same}the rule was set after a look at digits, where the number stops "
        "growing at 6 layers; without shortcuts the Hessian at zero weights is 0 from three layers on, so these "
        "networks are tested at random weights",
    )


def flat_at_zero(rows: Rows) -> Verdict:
    """Depth 3 at zero weights: no curvature."""
    found = [row for row in rows if row.experiment == "zero" and row.shortcut == "3"]
    ends = [
        abs(end)
        for row in found
        for end in (row.largest_eigenvalue, row.smallest_eigenvalue)
        if end is not None
    ]
    worst = max(ends, default=None)
    return Statement(
        STUDY,
        "Shortcut depth 3: the Hessian at zero weights is 0 (largest absolute eigenvalue)",
        "extremely flat [paper]; 0 [derived]",
        date(2026, 11, 24),
        kind="implementation",
    ).judged_exactly(
        worst,
        holds(worst, lambda largest: largest == 0),
        f"every layout and nonlinearity, depths {_depths(found)}; yes if it is exactly 0",
    )


def half_negative(rows: Rows) -> Verdict:
    """Depth 2 at zero weights: a strict saddle point."""
    found = [
        row for row in rows if row.experiment == "zero" and row.shortcut == "2" and row.method == "dense"
    ]
    shares = [row.index / (1 - row.flat) for row in found if row.index is not None and row.flat is not None]
    worst = max(shares, key=lambda share: abs(share - 0.5), default=None)
    return Statement(
        STUDY,
        "Shortcut depth 2: half of the nonzero eigenvalues at zero weights are negative (fraction)",
        "1/2 [derived]",
        date(2026, 11, 25),
        kind="implementation",
    ).judged_exactly(
        worst,
        holds(worst, lambda share: abs(share - 0.5) < ROUNDING),
        "the fraction farthest from 1/2, over depths, layouts and nonlinearities; complete spectra only; yes within "
        f"{ROUNDING:g}",
    )


def invariant_near_zero(rows: Rows, family: Family) -> Verdict:
    """Depth 2 at small random weights: nearly the same condition number at every depth."""
    found = chosen(rows, "initial", family, *OURS)
    grown = change(found, condition)
    return Statement(
        STUDY,
        f"Shortcut depth 2, {family}: from small random weights the condition number grows with depth by less than "
        f"{FACTOR:g} (log10)",
        PAPER,
        date(2026, 11, 24),
    ).judged(
        grown,
        lies_below(grown, math.log10(FACTOR)) if grown else "unclear",
        f"{_values(found, condition)}; yes if the interval lies below log10 {FACTOR:g} = {math.log10(FACTOR):.2g}",
    )


def alike(rows: Rows, family: Family) -> Verdict:
    """Nonlinear networks against dense linear ones, at the same depth."""
    linear = at_depths(chosen(rows, "initial", Family("dense", "identity"), *OURS), condition)
    own = at_depths(chosen(rows, "initial", family, *OURS), condition)
    shared = [depth for depth in own if depth in linear]
    found = None
    if shared and (seeds := sorted(set(own[shared[-1]]) & set(linear[shared[-1]]))):
        found = over_seeds([own[shared[-1]][seed] - linear[shared[-1]][seed] for seed in seeds])
    margin = math.log10(FACTOR)
    answer: Answer = "unclear" if found is None else lies_within(found, 0.0, margin)
    return Statement(
        STUDY,
        f"Shortcut depth 2 from small weights: {family} networks have the condition number of dense linear ones "
        "(log10 of the ratio)",
        PAPER,
        date(2026, 11, 24),
    ).judged(
        found,
        answer,
        f"at {shared[-1] if shared else 'no common'} layers; equal within a factor {FACTOR:g}; with ReLU each weight "
        "receives half of the images",
    )


def plain_grows(rows: Rows, family: Family, how: str) -> Verdict:
    """Networks without shortcuts at weights of order 1."""
    found = chosen(rows, "initial", family, "none", how)
    grown = change(found, condition)
    return Statement(
        STUDY,
        f"No shortcut, {family}, {how}: the condition number at the initial point grows with depth (log10)",
        "explodes [paper]",
        date(2026, 11, 24),
    ).judged(
        grown,
        is_positive(grown) if grown else "unclear",
        f"{_values(found, condition)}; eigenvalues below 1e-12 of the largest count as 0, so it cannot pass 1e12",
    )


def beats(rows: Rows, family: Family) -> Verdict:
    """The recommended setting against every other at the largest depth, each at its best learning rate."""
    final = chosen(rows, "final", family)
    deepest = max((row.layers for row in final), default=0)
    final = [row for row in final if row.layers == deepest]
    losses = _by_setting(final, lambda row: row.training_loss)
    held_out = _by_setting(final, lambda row: row.evaluation_loss)
    ours, seeds = losses.get(OURS, {}), {row.seed for row in final}
    others = {s: v for s, v in losses.items() if s != OURS and set(v) == seeds}
    fell = sorted(" ".join(row.setting) for row in final if row.outcome == "diverged")
    statement = Statement(
        STUDY,
        f"Small weights with shortcut 2 reach a lower final training loss than every other setting, {family}, "
        f"{deepest} layers (difference to the best other)",
        PAPER,
        date(2026, 11, 25),
    )
    if set(ours) != seeds or not others:
        return statement.judged(None, "no" if others else "unclear", "the trainings of this setting diverged")
    gaps = {s: over_seeds([v[seed] - ours[seed] for seed in sorted(seeds)]) for s, v in others.items()}
    nearest = min(gaps, key=lambda setting: gaps[setting].mean)
    answer = is_positive(*gaps.values())
    lead = over_seeds([held_out[nearest][seed] - held_out[OURS][seed] for seed in sorted(seeds)])
    least = next(row.least_loss for row in final if row.least_loss is not None)
    why = (
        f"loss {_mean(ours.values()):.4f}, best other: shortcut {' '.join(nearest)}, "
        f"{_mean(others[nearest].values()):.4f}; minimum over linear maps {least:.4f}; on evaluation images the best "
        f"other differs by {lead.mean:+.4f}; {joint_rule(len(gaps))}; "
        f"not above 0: {_not_above(gaps)}; diverged for some seed and counted as worse: "
        f"{', '.join(dict.fromkeys(fell)) or 'none'}; {final[0].step} steps of gradient descent, rates selected on the "
        "decoder part"
    )
    return statement.judged(gaps[nearest], answer, why)


def keeps_its_rate(rows: Rows, family: Family) -> Verdict:
    """The decrease of the best learning rate with depth, compared with Xavier's weights."""
    ours, xavier = (chosen(rows, "final", family, "2", how) for how in ("near_zero", "xavier"))
    mine, theirs = at_depths(ours, rate), at_depths(xavier, rate)
    shared = [
        depth for depth in mine if set(mine[depth]) == set(theirs.get(depth, {})) == {r.seed for r in ours}
    ]
    found = None
    if len(shared) > 1:
        a, b = shared[0], shared[-1]
        found = over_seeds(
            [(mine[b][s] - mine[a][s]) - (theirs[b][s] - theirs[a][s]) for s in sorted(mine[a])]
        )
    return Statement(
        STUDY,
        f"Shortcut 2, {family}: from small weights the best learning rate decreases less with depth than from "
        "Xavier's (log10)",
        "",
        date(2026, 11, 24),
    ).judged(
        found,
        is_positive(found) if found else "unclear",
        f"small weights {_values(ours, rate)}; Xavier {_values(xavier, rate)}; compared over depths {shared}, at which "
        "both train for every seed; yes or no if the interval excludes 0; the grid limits the resolution",
    )


def descends_faster(rows: Rows, family: Family) -> Verdict:
    """The training loss at the checkpoints after the first, against every other setting at its best learning rate."""
    along = [row for row in chosen(rows, "along", family) if row.step]
    seeds = {row.seed for row in along}
    means = along_means(along, loss)
    ours = means.get(OURS, {})
    others = {s: v for s, v in means.items() if s != OURS and set(v) == seeds}
    statement = Statement(
        STUDY,
        f"During training the loss is lowest with shortcut 2 from small weights, {family} (log10, mean over "
        "checkpoints, relative to the lowest other)",
        "significantly better in learning dynamics [paper, abstract]",
        date(2026, 11, 26),
    )
    if set(ours) != seeds or not others:
        return statement.unmeasured("too few trainings have a loss for every seed")
    gaps = {s: over_seeds([v[seed] - ours[seed] for seed in sorted(seeds)]) for s, v in others.items()}
    nearest = min(gaps, key=lambda setting: gaps[setting].mean)
    steps = ", ".join(map(str, sorted({row.step for row in along if row.step})))
    why = (
        f"mean log10 of the training loss at steps {steps}: {_mean(ours.values()):.2f} against "
        f"{_mean(others[nearest].values()):.2f} of shortcut {' '.join(nearest)}; {joint_rule(len(gaps))}; not above 0: "
        f"{_not_above(gaps)}; {along[0].layers} layers, each setting at its best learning rate; a setting that "
        "diverged for some seed is not compared"
    )
    return statement.judged(gaps[nearest], is_positive(*gaps.values()), why)


def along_means(along: Rows, value: Value) -> dict[Setting, dict[int, float]]:
    """The mean of a value over the checkpoints, by setting and seed, without checkpoints that lack it."""
    found = dict[Setting, dict[int, list[float]]]()
    for row in along:
        if (number := value(row)) is not None:
            found.setdefault(row.setting, {}).setdefault(row.seed, []).append(number)
    return {setting: {s: _mean(v) for s, v in by_seed.items()} for setting, by_seed in found.items()}


def stays_conditioned(rows: Rows, family: Family) -> Verdict:
    """The condition number during training, averaged over the checkpoints after the first."""
    along = [row for row in chosen(rows, "along", family) if row.step and row.condition_number]
    seeds = {row.seed for row in along}
    complete = {s: v for s, v in along_means(along, condition).items() if set(v) == seeds}
    statement = Statement(
        STUDY,
        f"During training the condition number is lowest with shortcut 2 from small weights, {family} "
        "(log10, relative to the lowest other)",
        PAPER,
        date(2026, 11, 25),
    )
    gaps = {
        s: over_seeds([v[seed] - complete[OURS][seed] for seed in sorted(seeds)])
        for s, v in complete.items()
        if s != OURS and OURS in complete and _learned(rows, family, s)
    }
    if not gaps:
        return statement.unmeasured("too few trainings have a spectrum for every seed")
    nearest = min(gaps, key=lambda setting: gaps[setting].mean)
    why = (
        f"mean log10 over checkpoints after step 0: {_mean(complete[OURS].values()):.2f} against "
        f"{_mean(complete[nearest].values()):.2f} of shortcut {' '.join(nearest)}; "
        f"{joint_rule(len(gaps))}; not above 0: {_not_above(gaps)}; "
        "settings whose loss decreased by less than a tenth from the first to the last checkpoint are omitted; near a "
        "minimum every setting has directions that rescale layers without changing the loss, whose small eigenvalues "
        "decide"
    )
    return statement.judged(gaps[nearest], is_positive(*gaps.values()), why)


def nears_zero(rows: Rows, family: Family) -> Verdict:
    """Distance of the trained weights from 0, a layer, against depth."""
    found = equally_trained(chosen(rows, "final", family, *OURS))
    nearing = slope(found, distance)
    return Statement(
        STUDY,
        f"Shortcut 2, {family}: the more layers, the nearer to 0 are the trained weights of a layer (log10 of their "
        "norm, growth with each doubling of the depth)",
        "as the number of layers grows it suffices to look at the zero point [paper]; -0.15, as 1 / sqrt(layers), "
        "for linear networks [derived]",
        date(2026, 11, 26),
    ).judged(
        nearing,
        lies_below(nearing, 0.0) if nearing else "unclear",
        f"{_values(found, distance)}; slope over the deeper half of the depths, yes if its interval lies below 0, no "
        f"if above; only networks whose training loss is at most {SLACK:g} times that of the shallowest of their seed, "
        "for weights that have not been trained are small",
    )


def equally_trained(rows: Rows) -> list[ShortcutDepthRow]:
    """The rows whose training loss is at most `SLACK` times that of the shallowest network of their seed."""
    losses = at_depths(rows, lambda row: row.training_loss)
    shallowest = losses[min(losses)] if losses else {}
    return [
        row
        for row in rows
        if row.training_loss is not None and row.training_loss <= SLACK * shallowest.get(row.seed, -math.inf)
    ]


def curved_as_at_zero(rows: Rows, family: Family) -> Verdict:
    """The largest curvature at the trained weights against that at 0, at the largest depth."""
    final = equally_trained(chosen(rows, "final", family, *OURS))
    trained, zero = (at_depths(r, curvature) for r in (final, chosen(rows, "zero", family, "2")))
    ratios = {
        depth: {seed: values[seed] - zero[depth][seed] for seed in values if seed in zero.get(depth, {})}
        for depth, values in trained.items()
    }
    depths = [depth for depth, by_seed in ratios.items() if by_seed]
    found = over_seeds(list(ratios[depths[-1]].values())) if depths else None
    told = ", ".join(f"{10 ** _mean(ratios[depth].values()):.3g} at {depth}" for depth in depths)
    return Statement(
        STUDY,
        f"Shortcut 2, {family}: at the largest depth the Hessian has the same largest curvature at the trained weights "
        "as at 0 (log10 of the ratio)",
        "as the number of layers grows it suffices to look at the zero point [paper]",
        date(2026, 11, 26),
    ).judged(
        found,
        lies_within(found, 0.0, math.log10(FACTOR)) if found else "unclear",
        f"ratios {told or 'at no depth'} layers; yes if the interval lies within a factor {FACTOR:g}, no if outside; "
        f"only networks whose training loss is at most {SLACK:g} times that of the shallowest of their seed",
    )


def _learned(rows: Rows, family: Family, setting: Setting) -> bool:
    """Whether the loss decreased by a tenth from the first to the last checkpoint for every seed."""
    along = chosen(rows, "along", family, *setting)
    ends = {
        seed: [row.training_loss for row in along if row.seed == seed and row.training_loss is not None]
        for seed in {row.seed for row in along}
    }
    return all(losses[-1] < 0.9 * losses[0] for losses in ends.values())


def holds(value: float | None, held: Callable[[float], bool]) -> Answer:
    """The answer of a check of the implementation by its value; unclear without one."""
    return "unclear" if value is None else "yes" if held(value) else "no"


def _not_above(gaps: Mapping[Setting, SeedInterval]) -> str:
    """The settings whose intervals do not lie above 0, as text."""
    found = {setting: gap for setting, gap in gaps.items() if gap.low <= 0}
    return ", ".join(f"{' '.join(s)} ({gap.low:.3g} to {gap.high:.3g})" for s, gap in found.items()) or "none"


def _by_setting(rows: Rows, value: Value) -> dict[Setting, dict[int, float]]:
    found = dict[Setting, dict[int, float]]()
    for row in rows:
        number = value(row)
        if number is not None:
            found.setdefault(row.setting, {})[row.seed] = number
    return found


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


def _values(rows: Rows, value: Value) -> str:
    """Geometric means over seeds by depth, as text; `value` is a log10."""
    by_depth: Mapping[int, Mapping[int, float]] = at_depths(rows, value)
    return ", ".join(f"{10 ** _mean(v.values()):.3g} at {depth}" for depth, v in by_depth.items()) + " layers"


def _depths(rows: Rows) -> str:
    return ", ".join(map(str, sorted({row.layers for row in rows})))
