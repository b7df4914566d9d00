"""Verdicts on the claims of the paper.

Claims that are exact at zero weights are decided by the values. All others are decided by the 95 % interval of a mean
over seeds (Student's t, settings paired by seed): a difference by an interval that excludes 0, an equality by an
interval inside or outside a margin given here. Seeds determine the initial weights and the read-out of convolutional
networks; the images are the same.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ib_analysis.studies.seed_interval import (
    Answer,
    SeedInterval,
    is_positive,
    joint_rule,
    lies_below,
    lies_within,
    over_seeds,
)
from ib_analysis.studies.shortcut_depth.row import ShortcutDepthRow
from ib_analysis.studies.specs.shortcut_depth import ADVISED
from ib_analysis.studies.verdict import Verdict, verdict_over_seeds

STUDY = "shortcut_depth"
PAPER = "[paper]"
ROUNDING = 1e-6
"""Relative deviation from an equality that double precision may cause."""
FACTOR = 2.0
"""Condition numbers that differ by a smaller factor count as equal."""
EXPLOSION = 10.0
"""Growth of the condition number by a larger factor counts as a different order of magnitude."""
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
        *(stays_conditioned(rows, family) for family in families if chosen(rows, "along", family)),
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


def rate(row: ShortcutDepthRow) -> float | None:
    """log10 of the selected learning rate."""
    return None if row.learning_rate is None else math.log10(row.learning_rate)


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
    return exact(
        "Shortcut depth 2: the condition number at zero weights is the same at every depth (largest relative "
        "deviation)",
        "invariant [paper]",
        worst,
        worst is not None and worst < ROUNDING,
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
    """Depth 1 at zero weights: growth of the condition number from the smallest to the largest depth."""
    by_depth = at_depths(chosen(rows, "zero", family, "1"), condition)
    means = [_mean(values.values()) for values in by_depth.values()]
    growth = 10 ** (means[-1] - means[0]) if len(means) > 1 else None
    rising = "every" if means == sorted(set(means)) else "not every"
    return exact(
        f"Shortcut depth 1, {family}: the condition number at zero weights grows with depth (factor, smallest depth to "
        "greatest)",
        "explodes [paper]",
        growth,
        growth is not None and growth > EXPLOSION,
        f"{_values(chosen(rows, 'zero', family, '1'), condition)}; yes above {EXPLOSION:g}; {rising} step of depth "
        "increases it; without shortcuts the Hessian at zero weights is 0 from three layers on, so these networks are "
        "tested at random weights",
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
    return exact(
        "Shortcut depth 3: the Hessian at zero weights is 0 (largest absolute eigenvalue)",
        "extremely flat [paper]; 0 [derived]",
        worst,
        worst == 0,
        f"every layout and nonlinearity, depths {_depths(found)}; yes if it is exactly 0",
    )


def half_negative(rows: Rows) -> Verdict:
    """Depth 2 at zero weights: a strict saddle point."""
    found = [
        row for row in rows if row.experiment == "zero" and row.shortcut == "2" and row.method == "dense"
    ]
    shares = [row.index / (1 - row.flat) for row in found if row.index is not None and row.flat is not None]
    worst = max(shares, key=lambda share: abs(share - 0.5), default=None)
    return exact(
        "Shortcut depth 2: half of the nonzero eigenvalues at zero weights are negative (fraction)",
        "1/2 [derived]",
        worst,
        worst is not None and abs(worst - 0.5) < ROUNDING,
        "the fraction farthest from 1/2, over depths, layouts and nonlinearities; complete spectra only; yes within "
        f"{ROUNDING:g}",
    )


def invariant_near_zero(rows: Rows, family: Family) -> Verdict:
    """Depth 2 at small random weights: nearly the same condition number at every depth."""
    found = chosen(rows, "initial", family, *OURS)
    grown = change(found, condition)
    claim = (
        f"Shortcut depth 2, {family}: from small random weights the condition number grows with depth by less than "
        f"{FACTOR:g} (log10)"
    )
    why = f"{_values(found, condition)}; yes if the interval lies below log10 {FACTOR:g} = {math.log10(FACTOR):.2g}"
    return verdict_over_seeds(
        STUDY, claim, PAPER, grown, lies_below(grown, math.log10(FACTOR)) if grown else "unclear", why
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
    return verdict_over_seeds(
        STUDY,
        f"Shortcut depth 2 from small weights: {family} networks have the condition number of dense linear ones "
        "(log10 of the ratio)",
        PAPER,
        found,
        answer,
        f"at {shared[-1] if shared else 'no common'} layers; equal within a factor {FACTOR:g}; with ReLU each weight "
        "receives half of the images",
    )


def plain_grows(rows: Rows, family: Family, how: str) -> Verdict:
    """Networks without shortcuts at weights of order 1."""
    found = chosen(rows, "initial", family, "none", how)
    grown = change(found, condition)
    return verdict_over_seeds(
        STUDY,
        f"No shortcut, {family}, {how}: the condition number at the initial point grows with depth (log10)",
        "explodes [paper]",
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
    claim = (
        f"Small weights with shortcut 2 reach a lower final training loss than every other setting, {family}, "
        f"{deepest} layers (difference to the best other)"
    )
    if set(ours) != seeds or not others:
        return verdict_over_seeds(
            STUDY, claim, PAPER, None, "no" if others else "unclear", "the trainings of this setting diverged"
        )
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
    return verdict_over_seeds(STUDY, claim, PAPER, gaps[nearest], answer, why)


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
    return verdict_over_seeds(
        STUDY,
        f"Shortcut 2, {family}: from small weights the best learning rate decreases less with depth than from "
        "Xavier's (log10)",
        "",
        found,
        is_positive(found) if found else "unclear",
        f"small weights {_values(ours, rate)}; Xavier {_values(xavier, rate)}; compared over depths {shared}, at which "
        "both train for every seed; yes or no if the interval excludes 0; the grid limits the resolution",
    )


def stays_conditioned(rows: Rows, family: Family) -> Verdict:
    """The condition number during training, averaged over the checkpoints after the first."""
    along = [row for row in chosen(rows, "along", family) if row.step and row.condition_number]
    seeds = {row.seed for row in along}
    means = {
        setting: {
            seed: _mean(
                c for row in along if (row.setting, row.seed) == (setting, seed) and (c := condition(row))
            )
            for seed in {row.seed for row in along if row.setting == setting}
        }
        for setting in dict.fromkeys(row.setting for row in along)
    }
    complete = {s: v for s, v in means.items() if set(v) == seeds}
    claim = (
        f"During training the condition number is lowest with shortcut 2 from small weights, {family} "
        "(log10, relative to the lowest other)"
    )
    gaps = {
        s: over_seeds([v[seed] - complete[OURS][seed] for seed in sorted(seeds)])
        for s, v in complete.items()
        if s != OURS and OURS in complete and _learned(rows, family, s)
    }
    if not gaps:
        return verdict_over_seeds(
            STUDY, claim, PAPER, None, "unclear", "too few trainings have a spectrum for every seed"
        )
    nearest = min(gaps, key=lambda setting: gaps[setting].mean)
    why = (
        f"mean log10 over checkpoints after step 0: {_mean(complete[OURS].values()):.2f} against "
        f"{_mean(complete[nearest].values()):.2f} of shortcut {' '.join(nearest)}; "
        f"{joint_rule(len(gaps))}; not above 0: {_not_above(gaps)}; "
        "settings whose loss decreased by less than a tenth from the first to the last checkpoint are omitted; near a "
        "minimum every setting has directions that rescale layers without changing the loss, whose small eigenvalues "
        "decide"
    )
    return verdict_over_seeds(STUDY, claim, PAPER, gaps[nearest], is_positive(*gaps.values()), why)


def _learned(rows: Rows, family: Family, setting: Setting) -> bool:
    """Whether the loss decreased by a tenth from the first to the last checkpoint for every seed."""
    along = chosen(rows, "along", family, *setting)
    ends = {
        seed: [row.training_loss for row in along if row.seed == seed and row.training_loss is not None]
        for seed in {row.seed for row in along}
    }
    return all(losses[-1] < 0.9 * losses[0] for losses in ends.values())


def exact(claim: str, paper: str, value: float | None, holds: bool, why: str) -> Verdict:
    """The verdict on an equality at zero weights."""
    answer: Answer = "unclear" if value is None else "yes" if holds else "no"
    return Verdict(
        study=STUDY, claim=claim, paper_value=paper, our_value=value, stderr=None, n_seeds=0, reproduced=answer, why=why
    )  # fmt: skip


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
