"""The base of the label probes: a lower bound of I(y; h) by a classifier, evaluated on held-out rows."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.critic import Standardiser
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.estimators.parts import stratified_parts
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.label_information import label_information
from ib_analysis.information.measurement.quantity import Quantity

# Calibration looks for log t in this range, and at t = 0. A strong penalty leaves weights a thousand times too small.
CONFIDENCE = (-7.0, 10.0)
# Nats below 0 that fit and calibration cost on features without information.
COST_OF_A_FIT = 0.01

LogProbabilities = NDArray[np.float64]


@dataclass(frozen=True)
class LabelledRows:
    """Standardised rows (n, features) with the number of their class, 0 .. classes - 1, shape (n,)."""

    rows: NDArray[np.float64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Prediction:
    """log q(y | h) of hold-out and evaluation rows, (rows, classes) each, and the warnings of the fit."""

    hold_out: LogProbabilities
    evaluation: LogProbabilities
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelProbe(Estimator):
    """I(y; x) >= H(y) - CE(y | x), y a class: the cross-entropy of a classifier q(y | x) on rows it never saw.

    Samples are divided at random within each class: 60 per cent for the fit of the classifier, 15 for the choice of its
    settings and for calibration, and 25 for one evaluation. Calibration is one number t >= 0, q_t(y | x) in proportion
    to f(y) (q(y | x) / f(y))^t with f the class frequencies: t = 1 is the classifier, and t = 0 the class frequencies.
    So a classifier that learned nothing gives 0, not a large negative value.

    Attributes:
        seed: of the division and of the fit.
    """

    seed: int = 0

    bound: ClassVar[Bound] = Bound.LOWER

    @abstractmethod
    def predict(
        self, fit: LabelledRows, hold_out: LabelledRows, evaluation: NDArray[np.float64], classes: int
    ) -> Prediction:
        """A classifier of the fitting part, its settings chosen on the hold-out part, applied to rows to judge."""

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        labels = class_numbers(y)
        parts = stratified_parts(labels, self.seed)
        scale = Standardiser.of(x[parts.fit])
        fit, hold_out, evaluation = (
            LabelledRows(scale(x[part]), labels[part])
            for part in (parts.fit, parts.hold_out, parts.evaluation)
        )
        log_prior = log_frequencies(fit.labels)
        prediction = self.predict(fit, hold_out, evaluation.rows, len(log_prior))
        t = confidence(prediction.hold_out, hold_out.labels, log_prior)
        nats = nats_of(tempered(prediction.evaluation, t, log_prior), evaluation.labels)
        found = label_information(evaluation.labels, nats)
        warnings = (*prediction.warnings, *_cautions(found.value, found.stderr, t))
        return self.result(found.value, found.stderr, found.n, quantity, warnings)


def class_numbers(y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Classes as 0 .. classes - 1 in the order of their values, from a column (n, 1) of integers.

    >>> class_numbers(np.array([[7.0], [3.0], [7.0]])).tolist()
    [1, 0, 1]

    Raises:
        UserError: y is not one integer a row.
    """
    if y.shape[1] != 1:
        raise UserError(f"y has {y.shape[1]} numbers a row: a probe needs one class a row.")
    if (y != np.round(y)).any():
        raise UserError("y holds fractions: a probe needs one class a row, as an integer.")
    found: NDArray[np.int64] = np.unique(y[:, 0], return_inverse=True)[1].astype(np.int64)
    return found


def log_frequencies(labels: NDArray[np.int64]) -> LogProbabilities:
    """log of the share of each class, shape (classes,).

    >>> np.exp(log_frequencies(np.array([0, 1, 1, 1]))).round(6).tolist()
    [0.25, 0.75]
    """
    found: LogProbabilities = np.log(np.bincount(labels) / len(labels))
    return found


def tempered(log_q: LogProbabilities, t: float, log_prior: LogProbabilities) -> LogProbabilities:
    """log q_t, q_t in proportion to f (q / f)^t, shape (rows, classes).

    >>> log_q, log_prior = np.log([[0.9, 0.1]]), np.log([0.25, 0.75])
    >>> [np.exp(tempered(log_q, t, log_prior)).round(6).tolist() for t in (1.0, 0.0)]
    [[[0.9, 0.1]], [[0.25, 0.75]]]
    """
    found: LogProbabilities = log_softmax(log_prior + t * (log_q - log_prior), axis=1)
    return found


def nats_of(log_q: LogProbabilities, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """-log q(y_i | h_i), shape (rows,)."""
    found: NDArray[np.float64] = -log_q[np.arange(len(labels)), labels]
    return found


def confidence(log_q: LogProbabilities, labels: NDArray[np.int64], log_prior: LogProbabilities) -> float:
    """Temperature that minimises the held-out cross-entropy plus one pseudo-observation; it is convex in t.

    Temperature scaling (Guo et al. 2017) that shrinks to the class frequencies rather than to equal ones. The
    pseudo-observation is an average row whose class is drawn by frequency. Without it a classifier that is right on
    every row here would get an unbounded t, and one error elsewhere would cost any number of nats.
    """
    weights = np.full(log_q.shape, np.exp(log_prior) / len(labels))
    weights[np.arange(len(labels)), labels] += 1.0

    def cross_entropy(t: float) -> float:
        return float(-(weights * tempered(log_q, t, log_prior)).sum() / len(labels))

    found = minimize_scalar(lambda log_t: cross_entropy(np.exp(log_t)), bounds=CONFIDENCE, method="bounded")
    # The search stays above 0: it would leave a useless classifier a little of its noise.
    return 0.0 if cross_entropy(0.0) <= found.fun else float(np.exp(found.x))


def calibrated_nats(log_q: LogProbabilities, labels: NDArray[np.int64], log_prior: LogProbabilities) -> float:
    """Cross-entropy of these rows after calibration on them; settings are chosen by it."""
    return float(nats_of(tempered(log_q, confidence(log_q, labels, log_prior), log_prior), labels).mean())


def _cautions(value: float, stderr: float, t: float) -> tuple[str, ...]:
    """Sentences on a classifier that learned nothing or that misleads."""
    found = []
    if t == 0.0:
        found.append(
            "On the hold-out part the class frequencies alone do better than the classifier: x tells nothing of y, "
            "or this classifier cannot read it."
        )
    if value < -COST_OF_A_FIT - 2.0 * stderr:
        found.append(
            "The estimate is negative beyond its error: what was calibrated on the hold-out part does not "
            "hold on the evaluation part; give more rows."
        )
    return tuple(found)
