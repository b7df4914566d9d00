"""InfoNCE: a bound from the classification of the true partner of a row among the rows of its block."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import logsumexp
from torch import Tensor

from ib_analysis.information.estimators.variational import Scores, VariationalEstimator, row_error
from ib_analysis.information.measurement.estimate import Bound

# Nats below log(block) from which the block, not the data, begins to set the number: on correlated normal pairs the
# best critic there is loses 0.05 nats or less 4 below the ceiling, about 0.3 at 2 and 1 at 1 below it.
NEAR_CEILING = 2.0


@dataclass(frozen=True)
class InfoNCE(VariationalEstimator):
    """I(x; y) >= E[ f(x_i, y_i) - log (1/b) sum_j e^f(x_i, y_j) ], over blocks of b rows.

    It is never above log b for any data: it *saturates*, and a warning names an estimate near log b. Evaluation blocks
    are 512 rows or a few more (all of them if there are fewer), so that log b is 6.2 or more from 2,048 evaluation
    pairs on. In return its variance stays small where that of NWJ and MINE explodes (Poole et al. 2019).
    """

    name: ClassVar[str] = "infonce"
    reference: ClassVar[str] = "van den Oord, Li & Vinyals 2018 (arXiv 1807.03748)"
    assumptions: ClassVar[str] = (
        "Pairs are independent draws; it saturates at the logarithm of the block of rows it is evaluated in."
    )
    bound: ClassVar[Bound] = Bound.LOWER

    def objective(self) -> Callable[[Tensor], Tensor]:
        """The bound on a batch."""
        return infonce_of_batch

    def evaluate(self, blocks: Sequence[Scores]) -> tuple[float, float]:
        """The bound and its standard error, nats.

        Row k enters as a pair of its own and as y_k among the alternatives of every row of its block. With p_ik
        the softmax of row i of the scores, the bound moves by (t_k - sum_i p_ik - mean + 1) / n when row k
        counts a little more, t_k being the term of row k.
        """
        terms = [np.diagonal(scores) - logsumexp(scores, axis=1) + np.log(len(scores)) for scores in blocks]
        chosen = [np.exp(scores - logsumexp(scores, axis=1, keepdims=True)).sum(0) for scores in blocks]
        values = np.concatenate(terms)
        return float(values.mean()), row_error(values - np.concatenate(chosen))

    def cautions(self, value: float, stderr: float, blocks: Sequence[Scores]) -> tuple[str, ...]:
        """A warning where the estimate is near log b, the largest value of InfoNCE."""
        ceiling = float(np.log(max(map(len, blocks))))
        if value < ceiling - NEAR_CEILING:
            return ()
        return (
            f"infonce cannot exceed log of its block, here {ceiling:.2f} nats: so near to it the truth may be any "
            "value above; give more pairs, or take another estimator.",
        )


def infonce_of_batch(scores: Tensor) -> Tensor:
    """InfoNCE of one batch from scores (b, b), the diagonal the true pairs.

    >>> import torch
    >>> round(infonce_of_batch(torch.eye(4) * 100.0).item(), 6) == round(float(np.log(4)), 6)
    True
    """
    return (scores.diagonal() - scores.logsumexp(1)).mean() + float(np.log(len(scores)))
