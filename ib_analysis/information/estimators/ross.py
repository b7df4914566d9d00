"""I(h; y) of continuous h and a class y from the distances of nearest neighbours, after Ross."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.distinct_rows import labels
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.estimators.half_samples import SPLITS, check_splits, half_sample_error
from ib_analysis.information.estimators.neighbour_distances import (
    check_neighbours,
    counts_nearer,
    kth_distances,
    standardised,
    ties_warning,
    without_ties,
)
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity


@dataclass(frozen=True)
class Ross(Estimator):
    """psi(n) + psi(k) - mean of psi(n_y) + psi(m), psi the digamma function (Ross 2014, equation 2).

    For each row, n_y counts the rows of its class, d is the distance in h to its k-th nearest row of the same class,
    and m counts the rows of any class up to d, the row itself left out. Distances are in the maximum norm over
    standardised columns; noise of 1e-10 standard deviations separates equal rows. Called with (h, labels).

    Where a class has k rows or fewer its own last neighbour is used, k = n_y - 1 (so in half-samples, too).

    Limitations. In many dimensions the nearest rows of all classes are equally far, and the value tends to 0, like that
    of a k-nearest-neighbour classifier. It may be slightly negative for independent h and y.

    The standard error is by half-samples.

    Attributes:
        k: number of the neighbour.
        splits: halvings for the standard error; each costs about as much as the value.
        seed: of the noise that breaks ties, and of the halvings.
    """

    name: ClassVar[str] = "ross"
    reference: ClassVar[str] = "Ross 2014, PLoS ONE 9(2), e87357"
    assumptions: ClassVar[str] = "h has a smooth density within each class and few dimensions; y is a class."
    bound: ClassVar[Bound] = Bound.CONSISTENT

    k: int = 3
    splits: int = SPLITS
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        check_neighbours(self.k)
        check_splits(self.splits)

    def information(self, h: NDArray[np.float64], y: NDArray[np.intp]) -> float:
        """The estimate alone, nats, of rows without ties; a class with one row is left out."""
        counts = np.bincount(y)[y]
        h, y, counts = h[counts > 1], y[counts > 1], counts[counts > 1]
        neighbours, radii = np.minimum(self.k, counts - 1), np.empty(len(h))
        for label in np.unique(y):
            rows = np.flatnonzero(y == label)
            radii[rows] = kth_distances(h[rows], int(neighbours[rows[0]]))
        # Strictly nearer with the row itself is as many as up to d without it: the k-th neighbour stands at d.
        m = counts_nearer(h, radii)
        local = digamma(neighbours) - digamma(counts) - digamma(m)
        return float(digamma(len(h)) + local.mean())

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        classes = labels(y, "y")
        counts = np.bincount(classes)
        if counts.min() < 2:
            raise UserError(
                f"y has {(counts < 2).sum()} classes with a single row, which has no neighbour of its class: "
                "leave such rows out."
            )
        h = without_ties(standardised(x), self.seed)
        stderr = half_sample_error(
            lambda rows: self.information(h[rows], classes[rows]), len(h), splits=self.splits, seed=self.seed
        )
        return self.result(self.information(h, classes), stderr, len(h), quantity, ties_warning(x, "x"))
