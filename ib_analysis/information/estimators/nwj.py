"""NWJ: the f-divergence bound of the Kullback-Leibler divergence, linear in exp(score)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from ib_analysis.information.estimators.variational import (
    Scores,
    VariationalEstimator,
    few_pairs_caution,
    independent_pairs,
    log_mean_exp_off_diagonal,
    row_error,
    true_pairs,
)
from ib_analysis.information.measurement.estimate import Bound


@dataclass(frozen=True)
class NWJ(VariationalEstimator):
    """I(x; y) >= E[f(x, y)] - E[e^(f(x, y') - 1)], y' independent of x.

    Tight for f = 1 + log p(x, y) / p(x) p(y), which fixes the scale of the critic. It is an unbiased estimate of a
    lower bound, but its variance grows with e^I: above a few nats the second mean depends on few pairs, which a warning
    states.
    """

    name: ClassVar[str] = "nwj"
    reference: ClassVar[str] = (
        "Nguyen, Wainwright & Jordan 2010 (arXiv 0809.0853); Poole et al. 2019 (arXiv 1905.06922)"
    )
    assumptions: ClassVar[str] = (
        "Pairs are independent draws and share only a few nats: its variance grows like e^I."
    )
    bound: ClassVar[Bound] = Bound.LOWER

    offset: ClassVar[float] = 1.0

    def objective(self) -> Callable[[Tensor], Tensor]:
        """The bound on a batch."""
        return nwj_of_batch

    def evaluate(self, blocks: Sequence[Scores]) -> tuple[float, float]:
        """The bound and its standard error, nats; infinite where exp(score) overflows."""
        true = true_pairs(blocks)
        log_mean, shares = independent_pairs(blocks)
        with np.errstate(over="ignore"):
            mean = np.exp(np.float64(log_mean - 1.0))
        if not np.isfinite(mean):
            return -np.inf, np.inf
        return float(true.mean() - mean), row_error(true - mean * shares)

    def cautions(self, value: float, stderr: float, blocks: Sequence[Scores]) -> tuple[str, ...]:
        """A sentence where a few pairs make the second mean."""
        return few_pairs_caution(independent_pairs(blocks)[1])


def nwj_of_batch(scores: Tensor) -> Tensor:
    """NWJ of one batch from scores (b, b), the diagonal the true pairs.

    >>> import torch
    >>> nwj_of_batch(torch.ones(4, 4)).item()
    0.0
    """
    return scores.diagonal().mean() - (log_mean_exp_off_diagonal(scores) - 1.0).exp()
