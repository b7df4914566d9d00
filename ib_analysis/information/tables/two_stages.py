"""`two_stages.csv`: fitting gain and compression of every tap over networks, in bits, with errors and verdicts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from pydantic import Field, FiniteFloat

from ib_analysis.information.inference.network_stages import NetworkStages, Stage, Verdict
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.seen_by_network import Seen
from ib_analysis.spec import Spec
from ib_analysis.units import bits

Probability = Annotated[float, Field(ge=0, le=1)]


class Tap(NamedTuple):
    """What a verdict is about: one quantity at one tap, over all networks of an encoder in a regime."""

    encoder: str
    regime: str
    tap: str
    quantity: Quantity


class StagesRow(Spec):
    """The two stages of one quantity at one tap, over the networks of an encoder in a regime.

    `scope` says what the verdicts speak of: so many networks, or one network and its fits. `low` to `high` is the 95 %
    interval and `p` the one-sided p-value of this tap alone. `p_holm` is corrected for all taps and regimes of the
    experiment, and the verdict goes by it. `spread` is by how much fits of one network differ in the gain, empty where
    each was fitted once; `margin` is 1 % of the information at the peak.
    """

    encoder: str
    regime: str
    tap: str
    quantity: Quantity
    networks: int = Field(ge=1)
    n_fits: int = Field(ge=1)
    scope: str
    first_epoch: int
    peak_epoch: int
    last_epoch: int
    peak_bits: FiniteFloat
    fitting_bits: FiniteFloat
    fitting_stderr_bits: FiniteFloat
    fitting_low_bits: FiniteFloat
    fitting_high_bits: FiniteFloat
    fitting_p: Probability
    fitting_p_holm: Probability
    fitting_spread_bits: FiniteFloat | None
    fitting_margin_bits: FiniteFloat
    fitting_verdict: Verdict
    compression_bits: FiniteFloat
    compression_stderr_bits: FiniteFloat
    compression_low_bits: FiniteFloat
    compression_high_bits: FiniteFloat
    compression_p: Probability
    compression_p_holm: Probability
    compression_spread_bits: FiniteFloat | None
    compression_margin_bits: FiniteFloat
    compression_verdict: Verdict
    n_images: int
    seen_by_network: Seen | None = None


def stages_rows(
    found: Mapping[Tap, NetworkStages], n_images: int, seen: Mapping[str, Seen] = MappingProxyType({})
) -> list[StagesRow]:
    """The rows of an experiment, from the two stages of each tap, in their order.

    `seen` says of given networks, by encoder, whether they have learned on the images.
    """
    return [
        StagesRow(
            **tap._asdict(),
            networks=two.fitting.networks,
            n_fits=two.fitting.fits,
            scope=two.fitting.scope,
            first_epoch=two.first_epoch,
            peak_epoch=two.peak_epoch,
            last_epoch=two.last_epoch,
            peak_bits=bits(two.peak_nats),
            n_images=n_images,
            seen_by_network=seen.get(tap.encoder),
            **_columns("fitting", two.fitting),
            **_columns("compression", two.compression),
        )
        for tap, two in found.items()
    ]


def _columns(name: str, stage: Stage) -> dict[str, Any]:
    columns = {
        "bits": bits(stage.nats),
        "stderr_bits": bits(stage.stderr_nats),
        "low_bits": bits(stage.low_nats),
        "high_bits": bits(stage.high_nats),
        "p": stage.p_value,
        "p_holm": stage.p_holm,
        "spread_bits": None if stage.spread_nats is None else bits(stage.spread_nats),
        "margin_bits": bits(stage.margin_nats),
        "verdict": stage.verdict,
    }
    return {f"{name}_{column}": value for column, value in columns.items()}
