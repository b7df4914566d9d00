"""The linear probe: multinomial logistic regression of the class on the features."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.label_probe import (
    LabelledRows,
    LabelProbe,
    LogProbabilities,
    Prediction,
    calibrated_nats,
    log_frequencies,
    nats_of,
)


@dataclass(frozen=True)
class LinearProbe(LabelProbe):
    """H(y) - CE(y | x) with q(y | x) = softmax(W x + b).

    W and b minimise CE on the fitting part + penalty |W|^2 / 2, by L-BFGS, which for this convex function finds *the*
    minimum. The penalty is chosen on the hold-out part, together with the calibration, from the strongest down, each
    fit starting from the last, until a weaker one is worse.

    Attributes:
        penalties: candidates, nats.
        most_steps: of L-BFGS, for each penalty.
    """

    name: ClassVar[str] = "linear_probe"
    reference: ClassVar[str] = "Alain & Bengio 2017 (arXiv 1610.01644); Barber & Agakov 2003"
    assumptions: ClassVar[str] = (
        "Rows are independent draws; it counts only what a linear classifier of x can use."
    )

    penalties: tuple[float, ...] = (10.0, 1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6)
    most_steps: int = 500

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        if not self.penalties or min(self.penalties) < 0.0:
            raise UserError(f"penalties is {self.penalties}: give one number or more, none below 0.")
        if self.most_steps < 1:
            raise UserError(f"most_steps is {self.most_steps}: it must be 1 or more.")

    def predict(
        self, fit: LabelledRows, hold_out: LabelledRows, evaluation: NDArray[np.float64], classes: int
    ) -> Prediction:
        """The regression with the penalty that is best on the hold-out part."""
        log_prior = log_frequencies(fit.labels)
        weights, best, best_nats = start(fit, classes), None, np.inf
        for penalty in sorted(self.penalties, reverse=True):
            weights = regress(fit, penalty, weights, self.most_steps)
            nats = calibrated_nats(log_probabilities(weights, hold_out.rows), hold_out.labels, log_prior)
            if best is not None and nats > best_nats:
                break
            best, best_nats = weights, nats
        assert best is not None
        return Prediction(log_probabilities(best, hold_out.rows), log_probabilities(best, evaluation))


def start(fit: LabelledRows, classes: int) -> NDArray[np.float64]:
    """Weights (features + 1, classes) that predict the class frequencies; the last row is b."""
    return np.vstack([np.zeros((fit.rows.shape[1], classes)), log_frequencies(fit.labels)])


def log_probabilities(weights: NDArray[np.float64], rows: NDArray[np.float64]) -> LogProbabilities:
    """log softmax(W x + b), shape (rows, classes)."""
    found: LogProbabilities = log_softmax(rows @ weights[:-1] + weights[-1], axis=1)
    return found


def regress(
    fit: LabelledRows, penalty: float, weights: NDArray[np.float64], most_steps: int
) -> NDArray[np.float64]:
    """The minimum of CE + penalty |W|^2 / 2 over weights (features + 1, classes), from where `weights` stands."""

    def both(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = loss(flat.reshape(weights.shape), fit, penalty)
        return value, gradient.ravel()

    options = {"maxiter": most_steps, "maxfun": 2 * most_steps, "ftol": 1e-10, "gtol": 1e-6}
    found = minimize(both, weights.ravel(), jac=True, method="L-BFGS-B", options=options)
    result: NDArray[np.float64] = found.x.reshape(weights.shape)
    return result


def loss(
    weights: NDArray[np.float64], fit: LabelledRows, penalty: float
) -> tuple[float, NDArray[np.float64]]:
    """CE + penalty |W|^2 / 2 in nats, and its gradient."""
    log_q = log_probabilities(weights, fit.rows)
    surplus = np.exp(log_q)
    surplus[np.arange(len(fit)), fit.labels] -= 1.0
    surplus /= len(fit)
    gradient = np.vstack([fit.rows.T @ surplus + penalty * weights[:-1], surplus.sum(0)])
    return float(nats_of(log_q, fit.labels).mean() + 0.5 * penalty * (weights[:-1] ** 2).sum()), gradient
