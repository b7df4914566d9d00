"""The linear probe: multinomial logistic regression of the class on the features."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.label_probe import (
    LabelledRows,
    LabelProbe,
    LogProbabilities,
    Prediction,
    calibrated_nats,
    log_frequencies,
)

GRADIENT_TOLERANCE = 1e-6


@dataclass(frozen=True)
class LinearProbe(LabelProbe):
    """H(y) - CE(y | x) with q(y | x) = softmax(W x + b).

    W and b minimise CE on the fitting part + penalty |W|^2 / 2, which is convex and has one minimum (scikit-learn's
    LogisticRegression, by L-BFGS). The penalty is chosen on the hold-out part together with the calibration. Candidates
    are tried from the strongest on, each fit starts from the previous one, and the search ends at the first that is
    worse.

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
        log_prior, best_nats = log_frequencies(fit.labels), np.inf
        model = LogisticRegression(tol=GRADIENT_TOLERANCE, max_iter=self.most_steps, warm_start=True)
        for penalty in sorted(self.penalties, reverse=True):
            regress(model, fit, penalty, classes)
            found = log_probabilities(model, hold_out.rows)
            nats = calibrated_nats(found, hold_out.labels, log_prior)
            if nats > best_nats:
                break
            best_nats = nats
            best = Prediction(found, log_probabilities(model, evaluation), self._not_converged(model))
        return best

    def _not_converged(self, model: LogisticRegression) -> tuple[str, ...]:
        """A warning where the regression took all its steps."""
        if model.n_iter_.max() < self.most_steps:
            return ()
        return (f"The regression had not converged after {self.most_steps} steps: raise most_steps.",)


def regress(model: LogisticRegression, fit: LabelledRows, penalty: float, classes: int) -> None:
    """Move the model to the minimum of CE + penalty |W|^2 / 2 over softmax(W x + b).

    scikit-learn minimises the sum over rows of CE + |W|^2 / 2C. Of two classes it fits the difference w of their
    weights alone, and the smallest |W|^2 that has this difference is |w|^2 / 2.
    """
    factor = 2.0 if classes == 2 else 1.0
    model.set_params(C=np.inf if penalty == 0.0 else factor / (len(fit) * penalty))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # said by the probe, of the penalty that is chosen
        model.fit(fit.rows, fit.labels)


def log_probabilities(model: LogisticRegression, rows: NDArray[np.float64]) -> LogProbabilities:
    """log softmax(W x + b), shape (rows, classes), finite also where the probability is below the smallest float."""
    scores = model.decision_function(rows)
    if scores.ndim == 1:
        scores = np.stack([np.zeros_like(scores), scores], axis=1)
    found: LogProbabilities = log_softmax(scores, axis=1)
    return found
