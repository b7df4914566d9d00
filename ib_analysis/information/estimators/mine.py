"""MINE: the Donsker-Varadhan bound, its gradient corrected by a running mean of exp(score)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ib_analysis.errors import UserError
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
class MINE(VariationalEstimator):
    """E[f(x, y)] - log E[e^f(x, y')], y' independent of x: a lower bound of I(x; y) for exact means.

    The logarithm of a sample mean is too small on average, by half the squared relative error of the mean. So the
    estimate is too high by that amount, and is no bound (Poole et al. 2019). For the same reason the gradient on a
    batch is biased; a running mean replaces the mean of e^f in its denominator (Belghazi et al. 2018, section 3.2).

    Attributes:
        running_rate: share of a new batch in the running mean.
    """

    name: ClassVar[str] = "mine"
    reference: ClassVar[str] = "Belghazi et al. 2018 (arXiv 1801.04062)"
    assumptions: ClassVar[str] = (
        "Pairs are independent draws and share only a few nats: its variance grows like e^I."
    )
    bound: ClassVar[Bound] = Bound.NONE

    running_rate: float = 0.01

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        super().__post_init__()
        if not 0.0 < self.running_rate <= 1.0:
            raise UserError(f"running_rate is {self.running_rate}: it must be above 0 and at most 1.")

    def objective(self) -> Callable[[Tensor], Tensor]:
        """A function with the corrected gradient of the bound, which keeps the running mean."""
        return RunningDonskerVaradhan(self.running_rate)

    def evaluate(self, blocks: Sequence[Scores]) -> tuple[float, float]:
        """The bound and its standard error, nats."""
        true = true_pairs(blocks)
        log_mean, shares = independent_pairs(blocks)
        return float(true.mean() - log_mean), row_error(true - shares)

    def cautions(self, value: float, stderr: float, blocks: Sequence[Scores]) -> tuple[str, ...]:
        """A sentence where a few pairs make the second mean."""
        return few_pairs_caution(independent_pairs(blocks)[1])


class RunningDonskerVaradhan:
    """mean f - (mean e^f') / (running mean of e^f'): its gradient is that of Donsker-Varadhan, almost unbiased.

    The value itself is not the bound; only the gradient is meant to be used. The running mean is kept as a
    logarithm, for scores of any size.
    """

    def __init__(self, rate: float) -> None:
        self.rate = torch.tensor(rate, dtype=torch.float64)
        self.log_running: Tensor | None = None

    def __call__(self, scores: Tensor) -> Tensor:
        """Objective to be maximised, from scores (b, b) whose diagonal holds the true pairs."""
        log_mean = log_mean_exp_off_diagonal(scores)
        now = log_mean.detach().double().cpu()
        if self.log_running is None:
            self.log_running = now
        elif torch.isfinite(now):
            self.log_running = torch.logaddexp(
                torch.log1p(-self.rate) + self.log_running, torch.log(self.rate) + now
            )
        return scores.diagonal().mean() - (log_mean - float(self.log_running)).exp()
