"""SMILE: the Donsker-Varadhan bound with a clipped density ratio, so that no single pair dominates the mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor
from torch.nn.functional import softplus

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.variational import (
    Scores,
    VariationalEstimator,
    few_pairs_caution,
    independent_pairs,
    mean_off_diagonal,
    off_diagonal,
    row_error,
    true_pairs,
)
from ib_analysis.information.measurement.estimate import Bound

# Nats by which log E[clip(e^f)] may miss 0, its value for the true density ratio, before a warning.
NORMALISATION = 0.5


@dataclass(frozen=True)
class SMILE(VariationalEstimator):
    """E[f(x, y)] - log E[clip(e^f(x, y'), e^-clip, e^clip)], y' independent of x.

    The critic is fitted, and its step chosen, by the Jensen-Shannon objective
    E[-softplus(-f(x, y))] - E[softplus(f(x, y'))], whose best f is log p(x, y) / p(x) p(y) as well and which never
    exponentiates a score. Clipping reduces the variance and adds bias: the estimate is no bound.

    Attributes:
        clip: in nats; for a large value the estimate is that of Donsker-Varadhan.
    """

    name: ClassVar[str] = "smile"
    reference: ClassVar[str] = "Song & Ermon 2020 (arXiv 1910.06222)"
    assumptions: ClassVar[str] = (
        "Pairs are independent draws; the clipping biases it, upwards where the truth is far above the clip."
    )
    bound: ClassVar[Bound] = Bound.NONE

    clip: float = 5.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        super().__post_init__()
        if not self.clip > 0.0:
            raise UserError(f"clip is {self.clip}: it must be above 0.")

    def objective(self) -> Callable[[Tensor], Tensor]:
        """The Jensen-Shannon objective on a batch."""
        return jensen_shannon_of_batch

    def hold_out_score(self, blocks: Sequence[Scores]) -> float:
        """The Jensen-Shannon objective: the clipped estimate is no bound, so its maximum selects no step."""
        independent = np.concatenate([off_diagonal(scores) for scores in blocks])
        return float(-np.logaddexp(0, -true_pairs(blocks)).mean() - np.logaddexp(0, independent).mean())

    def evaluate(self, blocks: Sequence[Scores]) -> tuple[float, float]:
        """The estimate and its standard error, nats."""
        true = true_pairs(blocks)
        log_mean, shares = independent_pairs(self._clipped(blocks))
        return float(true.mean() - log_mean), row_error(true - shares)

    def cautions(self, value: float, stderr: float, blocks: Sequence[Scores]) -> tuple[str, ...]:
        """Sentences where the clipped ratio does not average to 1, or where a few pairs make its mean."""
        log_mean, shares = independent_pairs(self._clipped(blocks))
        few = few_pairs_caution(shares)
        if abs(log_mean) <= NORMALISATION:
            return few
        return (
            f"The clipped density ratio averages to e^{log_mean:.2f} over independent pairs where the true one "
            "averages to 1: the estimate may be wrong by as many nats; give more pairs or another critic.",
            *few,
        )

    def _clipped(self, blocks: Sequence[Scores]) -> list[Scores]:
        return [np.clip(scores, -self.clip, self.clip) for scores in blocks]


def jensen_shannon_of_batch(scores: Tensor) -> Tensor:
    """The Jensen-Shannon objective of one batch from scores (b, b), the diagonal the true pairs.

    >>> import torch
    >>> round(jensen_shannon_of_batch(torch.zeros(4, 4)).item(), 6) == round(-2 * float(np.log(2)), 6)
    True
    """
    return -softplus(-scores.diagonal()).mean() - mean_off_diagonal(softplus(scores))
