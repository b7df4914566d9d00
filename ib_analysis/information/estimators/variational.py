"""Base of the bounds with a critic: a fit on one part, selection of the step on a second, evaluation on a third."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.critic import (
    Critic,
    CriticKind,
    Standardiser,
    build_critic,
    one_hot_classes,
)
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.estimators.parts import three_parts
from ib_analysis.information.estimators.training import Schedule, Training, seeded, torch_device, train
from ib_analysis.information.measurement.estimate import Estimate
from ib_analysis.information.measurement.quantity import Quantity

# All pairs of so many evaluation rows are scored at once: 512 x 512 x 64 float32 are 67 MB.
EVALUATION_BLOCK = 512
# Relative standard error of a mean of exp(score) beyond which a few pairs make it.
RESTS_ON_FEW = 0.2
# Nats below 0 that a fit on independent pairs may well cost.
COST_OF_A_FIT = 0.01

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class FittedCritic:
    """A fitted critic, the scales of the fitting part, and the record of the fit."""

    critic: Critic
    of_x: Standardiser
    of_y: Standardiser
    training: Training
    device: torch.device

    def score_blocks(self, x: NDArray[np.float64], y: NDArray[np.float64], block: int) -> list[Scores]:
        """f(x_i, y_j) of all pairs within blocks of `block` rows or a few more; the diagonal is the true pairs."""
        u = as_tensor(self.of_x(x), self.device)
        v = as_tensor(self.of_y(y), self.device)
        return score_blocks(self.critic, u, v, block)


def score_blocks(critic: nn.Module, x: Tensor, y: Tensor, block: int) -> list[Scores]:
    """Scores (b, b) of each block of rows, float64; every row is in exactly one block."""
    blocks = max(1, len(x) // block)
    with torch.no_grad():
        scores = [critic(u, v) for u, v in zip(x.tensor_split(blocks), y.tensor_split(blocks))]
    return [matrix.double().cpu().numpy() for matrix in scores]


def as_tensor(rows: NDArray[np.float64], device: torch.device) -> Tensor:
    """Standardised rows for a network, float32."""
    return torch.from_numpy(rows).float().to(device)


@dataclass(frozen=True)
class VariationalEstimator(Estimator):
    """A bound E[f(x, y)] - (a function of f on independent pairs), maximised over the critic f.

    Samples are divided at random: 60 per cent for the fit of the critic, 15 for the selection of the step (patience)
    and 25 for one evaluation of the value and its standard error. Features are standardised by the fitting part, so
    that their units do not matter. A single column of a few integers is a class, and is made one-hot. Independent pairs
    are x_i with y_j, i != j, of one block of rows. The standard error is over the evaluation pairs for the fitted
    critic; it does not contain the spread over fitting pairs.

    Attributes:
        critic: architecture of the critic.
        hidden: widths of the hidden layers.
        steps: most gradient steps.
        patience: gradient steps without a better validation step after which the fit ends. A bound that contains
            exp(score) may stay flat for hundreds of steps before it rises: with little patience the fit reports 0.
        batch: pairs in a step; they are compared with batch^2 - batch independent ones.
        learning_rate: of Adam.
        weight_decay: of AdamW.
        seed: of the division, of the weights and of the batches.
        device: where the critic lives; "cpu" or "cuda".
    """

    critic: CriticKind = CriticKind.CONCATENATED
    hidden: tuple[int, ...] = (64, 64)
    steps: int = 4000
    patience: int = 1000
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    seed: int = 0
    device: str = "cpu"

    evaluate_every: ClassVar[int] = 50
    offset: ClassVar[float] = 0.0  # the score of the best critic where x and y are independent

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        self._schedule()
        if self.batch < 2:
            raise UserError(
                f"batch is {self.batch}: 2 pairs or more are needed, to make independent ones of them."
            )
        if self.critic not in list(CriticKind):
            raise UserError(f"critic is {self.critic!r}: choose one of {', '.join(CriticKind)}.")
        if not self.hidden or min(self.hidden) < 1:
            raise UserError(f"hidden is {self.hidden}: give the width of one hidden layer or more.")

    @abstractmethod
    def objective(self) -> Callable[[Tensor], Tensor]:
        """A new objective for one fit, to be maximised: a function of scores (b, b), true pairs on the diagonal."""

    @abstractmethod
    def evaluate(self, blocks: Sequence[Scores]) -> tuple[float, float]:
        """The bound and its standard error, nats, from the scores of the evaluation part."""

    def hold_out_score(self, blocks: Sequence[Scores]) -> float:
        """Score that selects the step on the hold-out part: the bound."""
        return self.evaluate(blocks)[0]

    def block(self, rows: int) -> int:
        """Number of rows in a block of an evaluation part of n rows."""
        return min(EVALUATION_BLOCK, rows)

    def cautions(self, value: float, stderr: float, blocks: Sequence[Scores]) -> tuple[str, ...]:
        """Warnings on the estimate, besides those on the fit."""
        return ()

    def fit(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        x_hold_out: NDArray[np.float64],
        y_hold_out: NDArray[np.float64],
    ) -> FittedCritic:
        """Fit the critic to rows (n, features) of the fitting and hold-out parts."""
        device = torch_device(self.device)
        of_x, of_y = Standardiser.of(x), Standardiser.of(y)
        with seeded(self.seed):
            critic = build_critic(
                CriticKind(self.critic), x.shape[1], y.shape[1], self.hidden, self.offset
            ).to(device)
        u, v = as_tensor(of_x(x), device), as_tensor(of_y(y), device)
        u_held, v_held = as_tensor(of_x(x_hold_out), device), as_tensor(of_y(y_hold_out), device)
        objective, block = self.objective(), min(self.block(len(u_held)), self.batch)

        def loss(network: nn.Module, rows: Tensor) -> Tensor:
            return -objective(network(u[rows], v[rows]))

        def score(network: nn.Module) -> float:
            return self.hold_out_score(score_blocks(network, u_held, v_held, block))

        best, training = train(critic, len(u), loss, score, self._schedule(), self.seed, self.name)
        assert isinstance(best, Critic)
        return FittedCritic(best, of_x, of_y, training, device)

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        parts = three_parts(len(x), self.seed)
        x, y = one_hot_classes(x), one_hot_classes(y)
        fitted = self.fit(x[parts.fit], y[parts.fit], x[parts.hold_out], y[parts.hold_out])
        n = len(parts.evaluation)
        blocks = fitted.score_blocks(x[parts.evaluation], y[parts.evaluation], self.block(n))
        with np.errstate(over="ignore", invalid="ignore"):
            value, stderr = self.evaluate(blocks)
        if not np.isfinite([value, stderr]).all():
            raise UserError(
                f"{self.name} overflows on the evaluation part, whose pairs score too high to be exponentiated: look "
                "for outliers in x and y, or take smile, which clips the scores."
            )
        warnings = (*fit_cautions(fitted.training, value, stderr), *self.cautions(value, stderr, blocks))
        return self.result(value, stderr, n, quantity, warnings)

    def _schedule(self) -> Schedule:
        return Schedule(
            steps=self.steps,
            patience=self.patience,
            evaluate_every=min(self.evaluate_every, self.steps),
            batch=self.batch,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )


def fit_cautions(training: Training, value: float, stderr: float) -> tuple[str, ...]:
    """Sentences on a fit that was cut short, that learned nothing or that learned noise."""
    found = []
    if training.cut_short:
        found.append(
            f"The bound on the hold-out part was still rising at step {training.last_step}: give more steps."
        )
    if training.best_step == 0:
        found.append(
            f"No step of {training.last_step} was better on the hold-out part than the critic as it was "
            "initialised: either x and y tell nothing of each other, or they need more patience, more pairs or "
            "another critic."
        )
    if value < -COST_OF_A_FIT - 2.0 * stderr:
        found.append(
            "The estimate is negative beyond its error: the critic fits its own part, not the "
            "evaluation part; give more pairs or a smaller critic."
        )
    return tuple(found)


def row_error(influence: NDArray[np.float64]) -> float:
    """Standard error over rows of a smooth function of means, from how far each row moves it (delta method).

    Args:
        influence: n times the first-order move when a row counts a little more, up to a constant, shape (n,).
    """
    return float(influence.std(ddof=1) / np.sqrt(len(influence)))


def true_pairs(blocks: Sequence[Scores]) -> NDArray[np.float64]:
    """f(x_i, y_i) of all blocks, shape (rows,)."""
    return np.concatenate([np.diagonal(scores) for scores in blocks])


def independent_pairs(blocks: Sequence[Scores]) -> tuple[float, NDArray[np.float64]]:
    """log of the mean of exp f(x_i, y_j) over i != j of one block, and the share of each row in that mean.

    The mean is a U-statistic of two samples: row i enters it as x_i and as y_i. Its share
    s_i = (mean over j of e^f_ij + mean over j of e^f_ji) / mean is 2 on average, and the mean moves by
    (s_i - 2) / n of itself, to first order, when row i counts a little more (Hoeffding's projection). With
    that any smooth function of the true and of the independent pairs has a standard error over rows; in blocks
    of a few dozen rows it is some per cent too wide, as a jackknife's is.

    >>> log_mean, shares = independent_pairs([np.zeros((3, 3))])
    >>> log_mean, shares.tolist()
    (0.0, [2.0, 2.0, 2.0])

    Args:
        blocks: scores (b, b) each.

    Returns:
        log mean in nats, and the shares (rows,).
    """
    top = max(off_diagonal(scores).max() for scores in blocks)
    sums, pairs, shares = 0.0, 0, []
    for scores in blocks:
        weights = np.exp(scores - top, where=~np.eye(len(scores), dtype=bool), out=np.zeros_like(scores))
        sums, pairs = sums + weights.sum(), pairs + weights.size - len(weights)
        shares.append((weights.sum(0) + weights.sum(1)) / (len(weights) - 1))
    mean = sums / pairs
    return float(top + np.log(mean)), np.concatenate(shares) / mean


def off_diagonal(scores: Scores) -> NDArray[np.float64]:
    """Scores of the independent pairs of one block, shape (b * (b - 1),)."""
    found: NDArray[np.float64] = scores[~np.eye(len(scores), dtype=bool)]
    return found


def few_pairs_caution(shares: NDArray[np.float64]) -> tuple[str, ...]:
    """A warning where a few pairs dominate the mean of exp f over independent pairs."""
    if row_error(shares) <= RESTS_ON_FEW:
        return ()
    return (
        "The mean of exp(score) over independent pairs rests on a few of them, so that the value and its "
        "standard error are not to be trusted: give more pairs, or take infonce.",
    )


def mean_off_diagonal(scores: Tensor) -> Tensor:
    """Mean over the independent pairs of a matrix (b, b) of a batch."""
    return (scores.sum() - scores.diagonal().sum()) / (scores.numel() - len(scores))


def log_mean_exp_off_diagonal(scores: Tensor) -> Tensor:
    """log of the mean of exp over the independent pairs of a matrix (b, b), free of overflow.

    >>> round(log_mean_exp_off_diagonal(torch.tensor([[9.0, 0.0], [0.0, 9.0]])).item(), 6)
    0.0
    """
    hidden = scores - torch.diag(torch.full((len(scores),), torch.inf, device=scores.device))
    return torch.logsumexp(hidden.flatten(), 0) - float(np.log(scores.numel() - len(scores)))
