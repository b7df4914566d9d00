"""The finding of the report, derived from the numbers."""

import math
from collections.abc import Sequence

from ib_analysis.figures.style.number_text import measured_text
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import StagesRow


def finding(rows: Sequence[InformationRow], stages: Sequence[StagesRow]) -> str:
    """The result of the two stages, or the range over taps, then the distance from known values."""
    ours = [stage for stage in stages if stage.quantity is Quantity.IMAGE_INFORMATION]
    sentences = [_stages(ours) if ours else _range(rows), _truth(rows)]
    return " ".join(sentence for sentence in sentences if sentence)


def _stages(stages: Sequence[StagesRow]) -> str:
    networks = dict.fromkeys((stage.encoder, stage.regime) for stage in stages)
    parts = [_network(*n, [s for s in stages if (s.encoder, s.regime) == n]) for n in networks]
    return "I(x;h) as measured by these decoders: " + "; ".join(parts) + "."


def _network(encoder: str, regime: str, stages: Sequence[StagesRow]) -> str:
    """What is shown of one encoder in one regime: of its networks, or of a lone network and its fits."""
    return (
        _of_networks(encoder, regime, stages) if stages[0].networks > 1 else _of_fits(encoder, regime, stages)
    )


def _of_networks(encoder: str, regime: str, stages: Sequence[StagesRow]) -> str:
    fitted = sum(s.fitting_verdict == "yes" for s in stages)
    compressed = [s for s in stages if s.compression_verdict == "yes"]
    counts = f"fitting at {fitted} and compression at {len(compressed)} of {len(stages)} taps"
    text = f"{encoder} ({regime}) shows {counts}, over {stages[0].scope}"
    return f"{text} ({_most(compressed)})" if compressed else text


def _of_fits(encoder: str, regime: str, stages: Sequence[StagesRow]) -> str:
    risen = sum(s.fitting_verdict == "yes" for s in stages)
    fallen = [s for s in stages if s.compression_verdict == "yes"]
    text = (
        f"{encoder} ({regime}): in {stages[0].scope}, information rises to a peak at {risen} and falls after it at "
        f"{len(fallen)} of {len(stages)} taps"
    )
    return f"{text} ({_most(fallen)})" if fallen else text


def _most(fallen: Sequence[StagesRow]) -> str:
    most = max(fallen, key=lambda s: s.compression_bits)
    lost = measured_text(most.compression_bits, most.compression_stderr_bits)
    return f"most at {most.tap}: {lost} bits lost from epoch {most.peak_epoch} to {most.last_epoch}"


def _range(rows: Sequence[InformationRow]) -> str:
    found = [
        r for r in rows if r.quantity is Quantity.IMAGE_INFORMATION and r.tap and r.bound is not Bound.EXACT
    ]
    if not found:
        return "Nothing was measured at any tap."
    low, high = min(found, key=lambda r: r.bits), max(found, key=lambda r: r.bits)
    ends = [f"{measured_text(r.bits, r.stderr_bits)} bits at {r.tap}" for r in (low, high)]
    return f"I(x;h) as measured by these decoders lies between {ends[0]} and {ends[1]}."


def _truth(rows: Sequence[InformationRow]) -> str:
    """The largest distance from a known value, in standard errors of the difference."""
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
