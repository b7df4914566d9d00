"""The k-nearest-neighbour probe: the class is predicted from the classes of the nearest rows of the fitting part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.label_probe import (
    LabelledRows,
    LabelProbe,
    LogProbabilities,
    Prediction,
    calibrated_nats,
    log_frequencies,
)

# Distances held at once: 2^22 of them are 32 MB.
DISTANCES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class KNearestNeighbours(LabelProbe):
    """H(y) - CE(y | x) with q(y | x) = (votes of the k nearest + f(y)) / (k + 1), f the class frequencies.

    One vote is divided among all classes by their frequency, so that no class is impossible. Distances are Euclidean
    between standardised features. k is chosen on the hold-out part, together with the calibration.

    Attributes:
        neighbours: candidates for k; those above half the fitting part are left out.
    """

    name: ClassVar[str] = "k_nearest_neighbours"
    reference: ClassVar[str] = "Fix & Hodges 1951; Barber & Agakov 2003"
    assumptions: ClassVar[str] = (
        "Rows are independent draws, and near rows are of the same class: features few or well scaled."
    )

    neighbours: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        if not self.neighbours or min(self.neighbours) < 1:
            raise UserError(f"neighbours is {self.neighbours}: give one number or more, none below 1.")

    def predict(
        self, fit: LabelledRows, hold_out: LabelledRows, evaluation: NDArray[np.float64], classes: int
    ) -> Prediction:
        """Predict by the votes of k neighbours; k and the calibration minimise the hold-out cross-entropy."""
        candidates = sorted({min(k, len(fit) // 2) for k in self.neighbours})
        log_prior = log_frequencies(fit.labels)
        held = smoothed_votes(fit, hold_out.rows, candidates, log_prior)
        best = int(np.argmin([calibrated_nats(log_q, hold_out.labels, log_prior) for log_q in held]))
        judged = smoothed_votes(fit, evaluation, [candidates[best]], log_prior)
        return Prediction(held[best], judged[0])


def smoothed_votes(
    fit: LabelledRows, rows: NDArray[np.float64], neighbours: list[int], log_prior: LogProbabilities
) -> list[LogProbabilities]:
    """log of (votes + f) / (k + 1) for each k, shape (rows, classes) each."""
    prior = np.exp(log_prior)
    votes = [
        votes_of(labels, neighbours, len(prior)) for labels in labels_by_distance(fit, rows, max(neighbours))
    ]
    together = np.concatenate(votes, axis=1)
    return [np.log((vote + prior) / (k + 1.0)) for vote, k in zip(together, neighbours)]


def votes_of(labels: NDArray[np.int64], neighbours: list[int], classes: int) -> NDArray[np.float64]:
    """Number of the first k labels in each class, shape (len(neighbours), rows, classes).

    >>> votes_of(np.array([[1, 0, 0]]), [1, 3], classes=2).tolist()
    [[[0.0, 1.0]], [[2.0, 1.0]]]
    """
    last = np.array(neighbours) - 1
    counts = [np.cumsum(labels == c, axis=1)[:, last].T for c in range(classes)]
    return np.stack(counts, axis=-1).astype(np.float64)


def labels_by_distance(
    fit: LabelledRows, rows: NDArray[np.float64], most: int
) -> Iterator[NDArray[np.int64]]:
    """Labels of the `most` nearest rows of the fitting part, nearest first, (some rows, most) at a time.

    Among rows that are equally far the order is that of the fitting part, which is random.
    """
    lengths = (fit.rows**2).sum(1)
    for block in np.array_split(rows, -(-len(rows) * len(fit) // DISTANCES_AT_ONCE)):
        # |a - b|^2 without |a|^2, which does not change the order.
        distances = lengths - 2.0 * block @ fit.rows.T
        yield fit.labels[np.argsort(distances, axis=1, kind="stable")[:, :most]]
