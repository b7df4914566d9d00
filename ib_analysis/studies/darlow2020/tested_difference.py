"""A difference of information over networks: its interval, and the p-value of "it is not above 0"."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ib_analysis.information.inference.holm import holm
from ib_analysis.information.inference.network_stages import (
    ALPHA,
    DRAWS,
    Stage,
    Verdict,
    verdict_of,
    voted_gains,
)

Values = NDArray[np.float64]
Statistic = Callable[[Values], Values]
"""Of the information of networks (..., networks, epochs) the difference of each network (..., networks)."""


@dataclass(frozen=True)
class Difference:
    """A difference in nats per image, tested for being above 0; of one network it has neither error nor interval."""

    nats: float
    stderr_nats: float | None
    low_nats: float | None
    high_nats: float | None
    p_value: float
    p_holm: float
    family: int
    spread_nats: float | None
    margin_nats: float
    networks: int
    fits: int

    @classmethod
    def of_stage(cls, stage: Stage) -> Self:
        """A stage of learning, whose peaks were chosen and tested already; one network decides nothing here."""
        known = stage.networks > 1
        return cls(
            nats=stage.nats,
            stderr_nats=stage.stderr_nats if known else None,
            low_nats=stage.low_nats if known else None,
            high_nats=stage.high_nats if known else None,
            p_value=stage.p_value if known else 1.0,
            p_holm=1.0,
            family=1,
            spread_nats=stage.spread_nats,
            margin_nats=stage.margin_nats,
            networks=stage.networks,
            fits=stage.fits,
        )

    @classmethod
    def tested(
        cls,
        information: Values,
        statistic: Statistic,
        stage: Stage,
        *,
        bound: Statistic | None = None,
        spreads: float = 1.0,
    ) -> Self:
        """The mean of a statistic over networks.

        The p-value is that of its t among networks whose information is the same at every epoch but for independent
        normal deviations: networks that choose the peaks of each other depend on each other, and the draws know it.

        Args:
            information: nats per image, shape (networks, epochs).
            statistic: the difference of each network.
            stage: of the same tap: its spread of fits, margin and counts.
            bound: a statistic that is not below the difference where `statistic` is not above it; its interval gives
                the upper end. None: `statistic` itself.
            spreads: by what the spread of fits of a gain between two epochs is multiplied.
        """
        own = statistic(information)
        n = len(own)
        upper = own if bound is None else bound(information)
        known = n > 1
        stderr, reach = (_stderr(own), _reach(n)) if known else (None, 0.0)
        return cls(
            nats=float(own.mean()),
            stderr_nats=stderr,
            low_nats=float(own.mean()) - reach * stderr if stderr is not None else None,
            high_nats=float(upper.mean()) + reach * _stderr(upper) if known else None,
            p_value=_flat_p_value(own, statistic, information.shape) if known else 1.0,
            p_holm=1.0,
            family=1,
            spread_nats=None if stage.spread_nats is None else spreads * stage.spread_nats,
            margin_nats=stage.margin_nats,
            networks=n,
            fits=stage.fits,
        )

    @property
    def verdict(self) -> Verdict:
        """By the rule of the stages of learning, over networks; of one network undecided."""
        if self.high_nats is None:
            return "undecided"
        return verdict_of(self.nats, self.high_nats, self.p_holm, self.spread_nats, self.margin_nats)


def corrected(found: Sequence[Difference]) -> list[Difference]:
    """The tests of one claim, corrected together (Holm 1979)."""
    p_values = holm([one.p_value for one in found])
    return [replace(one, p_holm=p, family=len(found)) for one, p in zip(found, p_values, strict=True)]


def _stderr(values: Values) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def _reach(n: int) -> float:
    return float(stats.t.ppf(1.0 - ALPHA, n - 1))


def _flat_p_value(own: Values, statistic: Statistic, shape: tuple[int, ...]) -> float:
    """(1 + draws that reach t) / (1 + draws); without spread by the sign."""
    stderr = _stderr(own)
    if stderr == 0.0:
        return 0.0 if own.mean() > 0.0 else 1.0
    drawn = statistic(np.random.default_rng([0, *shape]).standard_normal((DRAWS, *shape)))
    deviations = drawn.std(axis=-1, ddof=1)
    t = np.zeros(DRAWS)
    np.divide(drawn.mean(axis=-1) * math.sqrt(len(own)), deviations, out=t, where=deviations > 0.0)
    return float(1 + np.count_nonzero(t >= own.mean() / stderr)) / (1 + DRAWS)


def first_less_last(information: Values) -> Values:
    """Information of the untrained network less that at the end.

    >>> first_less_last(np.array([[3.0, 5.0, 1.0]])).tolist()
    [2.0]
    """
    found: Values = information[..., 0] - information[..., -1]
    return found


def voted(information: Values) -> Values:
    """Each network's information at the epoch that is best for the mean of the others; its own of a single network.

    >>> voted(np.array([[1.0, 3.0], [2.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    count = information.shape[-2]
    others = information if count == 1 else information.sum(axis=-2, keepdims=True) - information
    found: Values = np.take_along_axis(information, others.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return found


def early_peak(epochs: Sequence[int], share: float) -> tuple[Statistic, Statistic] | None:
    """Statistic and bound of "the peak lies within the first `share` of training"; None without such a checkpoint.

    The statistic is the early peak that the others chose less the network's own best later one, which noise makes too
    large; the bound is the network's own best early one less the later one that the others chose. So each side leans
    against its own answer.
    """
    early = [i for i, epoch in enumerate(epochs) if 0 < epoch <= share * epochs[-1]]
    late = [i for i, epoch in enumerate(epochs) if epoch > share * epochs[-1]]
    if not early or not late:
        return None

    def statistic(information: Values) -> Values:
        found: Values = voted(information[..., early]) - information[..., late].max(axis=-1)
        return found

    def bound(information: Values) -> Values:
        found: Values = information[..., early].max(axis=-1) - voted(information[..., late])
        return found

    return statistic, bound


def compression_with_less_without(information: Values) -> Values:
    """Compression of the first half of the epochs less that of the second half, network by network.

    Args:
        information: (..., networks, 2 epochs): with weight decay, then without.
    """
    half = information.shape[-1] // 2
    return _compression(information[..., :half]) - _compression(information[..., half:])


def _compression(information: Values) -> Values:
    if information.shape[-2] == 1:
        found: Values = information.max(axis=-1) - information[..., -1]
        return found
    return voted_gains(information, -1)
