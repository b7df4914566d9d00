"""`two_stages.csv`: fitting gain and compression of every tap, in bits, with errors, intervals, tests and verdicts."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from ib_analysis.information.inference.equivalence import EquivalenceVerdict
from ib_analysis.information.inference.holm import holm
from ib_analysis.information.inference.two_stages import Stage, StageVerdict, TwoStages
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.point import Network
from ib_analysis.spec import Spec
from ib_analysis.units import bits

Probability = Annotated[float, Field(ge=0, le=1)]


class StagesRow(Spec):
    """The two stages of one quantity at one tap of one network.

    `low` to `high` is the 95 % interval and `p` the one-sided p-value of this tap alone; `p_holm` is corrected for
    all tests of the network, and the verdict goes by it. `equivalence_p` is the p-value of "the gain reaches the
    margin" (1 % of the information at the peak), and `equivalence` its verdict at 2.5 %, for this tap alone.
    """

    encoder: str
    regime: str
    seed: int
    tap: str
    quantity: Quantity
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
    fitting_verdict: StageVerdict
    fitting_margin_bits: FiniteFloat
    fitting_equivalence_p: Probability
    fitting_equivalence: EquivalenceVerdict
    compression_bits: FiniteFloat
    compression_stderr_bits: FiniteFloat
    compression_low_bits: FiniteFloat
    compression_high_bits: FiniteFloat
    compression_p: Probability
    compression_p_holm: Probability
    compression_verdict: StageVerdict
    compression_margin_bits: FiniteFloat
    compression_equivalence_p: Probability
    compression_equivalence: EquivalenceVerdict
    n_images: int


def stages_rows(found: Mapping[tuple[str, Quantity], TwoStages], network: Network) -> list[StagesRow]:
    """The rows of one network, from the two stages of each (tap, quantity), in their order.

    Both stages of every tap and quantity are one family of tests for Holm's correction: whichever is called "yes",
    a network that does neither is called so at any of them in at most 2.5 % of all cases.
    """
    stages = [stage for two in found.values() for stage in (two.fitting, two.compression)]
    corrected = holm([stage.p_value for stage in stages])
    return [
        StagesRow(
            **network._asdict(),
            tap=tap,
            quantity=quantity,
            first_epoch=two.first_epoch,
            peak_epoch=two.peak_epoch,
            last_epoch=two.last_epoch,
            peak_bits=bits(two.peak_nats),
            n_images=two.n,
            **_columns("fitting", two.fitting, p_fitting),
            **_columns("compression", two.compression, p_compression),
        )
        for ((tap, quantity), two), p_fitting, p_compression in zip(
            found.items(), corrected[::2], corrected[1::2], strict=True
        )
    ]


def _columns(name: str, stage: Stage, p_holm: float) -> dict[str, Any]:
    columns = {
        "bits": bits(stage.nats),
        "stderr_bits": bits(stage.stderr_nats),
        "low_bits": bits(stage.low_nats),
        "high_bits": bits(stage.high_nats),
        "p": stage.p_value,
        "p_holm": p_holm,
        "verdict": stage.verdict_at(p_holm),
        "margin_bits": bits(stage.equivalence.margin),
        "equivalence_p": stage.equivalence.p_value,
        "equivalence": stage.equivalence.verdict,
    }
    return {f"{name}_{column}": value for column, value in columns.items()}
