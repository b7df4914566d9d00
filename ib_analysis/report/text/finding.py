"""The finding of the report, one sentence with its interval, and what all verdicts together say."""

import math
from collections.abc import Callable, Sequence

from ib_analysis.figures.style.number_text import bits_text, measured_text
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import StagesRow

MOST_IN_WORDS = 4
"""Networks that are each named; a reader passes over a longer list."""
Name = tuple[str, str]
"""Encoder and regime."""


def surest_change(stages: Sequence[StagesRow]) -> StagesRow | None:
    """The tap whose change of I(x;h) is told: the surest fall, else the surest rise, else the largest fall.

    Of all shown falls it is the one whose interval begins highest, then of all shown rises; a selection, which the
    correction for all taps and regimes takes into account.
    """
    ours = [stage for stage in stages if stage.quantity is Quantity.IMAGE_INFORMATION]
    fallen = [s for s in ours if s.compression_verdict == "yes"]
    risen = [s for s in ours if s.fitting_verdict == "yes"]
    if fallen:
        return max(fallen, key=lambda s: s.compression_low_bits)
    if risen:
        return max(risen, key=lambda s: s.fitting_low_bits)
    return max(ours, key=lambda s: s.compression_bits, default=None)


def finding(rows: Sequence[InformationRow], stages: Sequence[StagesRow]) -> str:
    """The surest change of I(x;h) along the training, with its interval; without epochs the range over taps."""
    surest = surest_change(stages)
    if surest is None:
        return _range(rows)
    if surest.compression_verdict == "yes":
        return _fall(surest)
    if surest.fitting_verdict == "yes":
        return _rise(surest)
    return _neither(surest, sum(stage.quantity is Quantity.IMAGE_INFORMATION for stage in stages))


def _fall(stage: StagesRow) -> str:
    interval = _interval(stage.compression_bits, stage.compression_low_bits, stage.compression_high_bits)
    return f"{_subject(stage)} falls by {interval} from epoch {stage.peak_epoch} to {stage.last_epoch}{_scope(stage)}."


def _rise(stage: StagesRow) -> str:
    interval = _interval(stage.fitting_bits, stage.fitting_low_bits, stage.fitting_high_bits)
    return (
        f"{_subject(stage)} rises by {interval} from epoch {stage.first_epoch} to {stage.peak_epoch}{_scope(stage)}, "
        "and no fall after a peak is shown at any tap."
    )


def _neither(largest: StagesRow, taps: int) -> str:
    interval = _interval(
        largest.compression_bits, largest.compression_low_bits, largest.compression_high_bits
    )
    return (
        f"No rise and no fall of I(x;h) along the training is shown at any of {taps} taps; the largest fall is "
        f"{interval}, at {largest.tap} of {largest.encoder} ({largest.regime})."
    )


def _subject(stage: StagesRow) -> str:
    return f"At {stage.tap} of {stage.encoder} ({stage.regime}), I(x;h) as measured by these decoders"


def _scope(stage: StagesRow) -> str:
    return f", over {stage.scope}" if stage.networks > 1 else f", in {stage.scope}"


def _interval(bits: float, low: float, high: float) -> str:
    return f"{bits_text(bits)} bits (95 % interval {bits_text(low)} to {bits_text(high)})"


def verdicts_sentence(stages: Sequence[StagesRow]) -> str:
    """At how many taps each network fits and compresses; of many networks, where any does. Empty without stages."""
    ours = [stage for stage in stages if stage.quantity is Quantity.IMAGE_INFORMATION]
    networks = {name: [s for s in ours if _name(s) == name] for name in dict.fromkeys(map(_name, ours))}
    if len(networks) > MOST_IN_WORDS:
        return " ".join(
            _of_scope([s for s in ours if s.scope == scope]) for scope in dict.fromkeys(s.scope for s in ours)
        )
    parts = [_network(*name, own) for name, own in networks.items()]
    return f"All taps: {'; '.join(parts)}." if parts else ""


def _name(stage: StagesRow) -> Name:
    return stage.encoder, stage.regime


def _of_scope(stages: Sequence[StagesRow]) -> str:
    """Where fitting and compression are shown among stages that were all measured over the same scope."""
    risen = _places(stages, lambda stage: stage.fitting_verdict == "yes")
    fallen = _places(stages, lambda stage: stage.compression_verdict == "yes")
    if stages[0].networks > 1:
        return f"Over {stages[0].scope} of each: fitting is shown {risen}; compression is shown {fallen}."
    scope = stages[0].scope.replace("this network", "each network")
    return f"In {scope}: information rises to a peak {risen}; it falls after its peak {fallen}."


def _places(stages: Sequence[StagesRow], is_shown: Callable[[StagesRow], bool]) -> str:
    """At how many taps something is shown, and of which encoders and regimes where they are few."""
    kinds = dict.fromkeys(map(_name, stages))
    shown = {kind: [is_shown(stage) for stage in stages if _name(stage) == kind] for kind in kinds}
    found = {kind: taps for kind, taps in shown.items() if any(taps)}
    if not found:
        return f"at none of {len(stages)} taps"
    if len(found) > MOST_IN_WORDS:
        count = sum(map(sum, found.values()))
        return f"at {count} of {len(stages)} taps, of {len(found)} of {len(shown)} encoders in their regimes"
    parts = [
        f"at {sum(o)} of {len(o)} taps of {encoder} ({regime})" for (encoder, regime), o in found.items()
    ]
    others = len(stages) - sum(map(len, found.values()))
    return ", ".join(parts) + (f", at none of {others} others" if others else "")


def _network(encoder: str, regime: str, stages: Sequence[StagesRow]) -> str:
    """What is shown of one encoder in one regime: of its networks, or of a lone network and its fits."""
    risen = sum(s.fitting_verdict == "yes" for s in stages)
    fallen = sum(s.compression_verdict == "yes" for s in stages)
    if stages[0].networks > 1:
        return (
            f"{encoder} ({regime}) shows fitting at {risen} and compression at {fallen} of {len(stages)} taps, over "
            f"{stages[0].scope}"
        )
    return (
        f"{encoder} ({regime}): in {stages[0].scope}, information rises to a peak at {risen} and falls after it at "
        f"{fallen} of {len(stages)} taps"
    )


def _range(rows: Sequence[InformationRow]) -> str:
    found = [
        r for r in rows if r.quantity is Quantity.IMAGE_INFORMATION and r.tap and r.bound is not Bound.EXACT
    ]
    if not found:
        return "Nothing was measured at any tap."
    low, high = min(found, key=lambda r: r.bits), max(found, key=lambda r: r.bits)
    ends = [f"{measured_text(r.bits, r.stderr_bits)} bits at {r.tap}" for r in (low, high)]
    return f"I(x;h) as measured by these decoders lies between {ends[0]} and {ends[1]}."


def truth_sentence(rows: Sequence[InformationRow]) -> str:
    """The largest distance from a known value, in standard errors of the difference; empty where none is known."""
    distances = _distances(rows)
    if not distances:
        return ""
    return (
        f"Of {len(distances)} values known in closed form, the largest deviation of a measurement is "
        f"{max(distances):.1f} standard errors of the difference."
    )


def _distances(rows: Sequence[InformationRow]) -> list[float]:
    truths = {
        (row.point, row.quantity): row for row in rows if row.bound is Bound.EXACT and row.point is not None
    }
    pairs = [
        (row, truths[row.point, row.quantity])
        for row in rows
        if row.point and row.bound is not Bound.EXACT and (row.point, row.quantity) in truths
    ]
    return [
        abs(row.bits - truth.bits) / error
        for row, truth in pairs
        if (error := math.hypot(row.stderr_bits, truth.stderr_bits)) > 0
    ]
