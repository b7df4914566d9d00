"""I(x; y) for jointly normal x and y, by canonical correlations: the information in linear correlation alone."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import digamma
from sklearn.covariance import ledoit_wolf_shrinkage

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.distinct_rows import is_class
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity

FOLDS_STREAM = 4


@dataclass(frozen=True)
class Gaussian(Estimator):
    """-1/2 sum over canonical correlations of log(1 - rho^2) = 1/2 log [det Sxx det Syy / det S], nats.

    It is I(x; y) for jointly normal x and y. Where x and y are each normal, but not jointly, it is a lower bound
    (Foster & Grassberger 2011). Where one of them is not normal it is no bound: it contains no dependence beyond
    correlation (a swiss roll with .41 nats has .02), and may also be too high.

    With `shrinkage` 0 the covariance is that of the sample, any invertible linear map of x or of y changes
    nothing, and the upward bias, about (features of x) (features of y) / 2n, is taken off exactly for normal data
    (by E log det of a Wishart matrix, sums of digammas). That needs more rows than features.

    With shrinkage S = (1 - a) C + a I for standardised columns with correlations C, a of Ledoit & Wolf (2004) or as
    given. S only chooses canonical directions; what x and y share along them is computed as above from rows that did
    not make S (`folds`). So overfitting cannot raise it. By the data-processing inequality it is too low: by the
    information along further directions, and by the error of directions from few rows. Scales of single columns still
    change nothing, other linear maps do.

    In both cases the standard error is that of the mean log-ratio over rows.

    Attributes:
        shrinkage: a in [0, 1]; None is Ledoit and Wolf's formula.
        directions: canonical pairs that are kept when S is shrunk.
        folds: into which the rows are divided when S is shrunk.
        seed: of the division.
    """

    name: ClassVar[str] = "gaussian"
    reference: ClassVar[str] = "Foster & Grassberger 2011, Physical Review E 83, 010101; Ledoit & Wolf 2004"
    assumptions: ClassVar[str] = (
        "x and y are normal, each by itself: then it is a lower bound; the value if jointly so."
    )
    bound: ClassVar[Bound] = Bound.LOWER

    shrinkage: float | None = 0.0
    directions: int = 5
    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        if self.shrinkage is not None and not 0.0 <= self.shrinkage <= 1.0:
            raise UserError(
                f"shrinkage is {self.shrinkage}: give a number from 0 to 1, or none for Ledoit-Wolf."
            )
        if self.folds < 2:
            raise UserError(f"folds is {self.folds}: give 2 or more.")
        if self.directions < 1:
            raise UserError(f"directions is {self.directions}: give 1 or more.")

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        if quantity is Quantity.LABEL_INFORMATION:
            raise UserError(
                "gaussian takes no classes, whose numbers have no order: take linear_probe or ross."
            )
        u, v = varying_columns(x, "x"), varying_columns(y, "y")
        ratios = self.of_sample(u, v) if self.shrinkage == 0.0 else self.cross_fitted(u, v)
        stderr = ratios.std(ddof=1) / np.sqrt(len(x))
        warnings = class_warning(x, "x") + class_warning(y, "y")
        return self.result(float(ratios.mean()), float(stderr), len(x), quantity, warnings)

    def of_sample(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-ratio of each row under the covariance of these rows, less the bias of their mean; shape (n,).

        Raises:
            UserError: fewer rows than features, or features that determine each other.
        """
        n, dx, dy = len(x), x.shape[1], y.shape[1]
        if n <= dx + dy + 1:
            raise UserError(
                f"{n} rows are too few for a covariance of {dx} + {dy} features: give more rows, fewer features or "
                "a shrinkage other than 0."
            )
        z = standardise(np.hstack([x, y]))
        covariance = z.T @ z / n
        for part, side in ((covariance[:dx, :dx], "x"), (covariance[dx:, dx:], "y")):
            if np.linalg.matrix_rank(part, hermitian=True) < len(part):
                raise UserError(
                    f"columns of {side} are linear functions of others: leave them out, or shrink."
                )
        if np.linalg.matrix_rank(covariance, hermitian=True) < dx + dy:
            raise UserError("x and y determine each other linearly: their Gaussian information is infinite.")
        return log_ratios(z, covariance, dx) - wishart_bias(n, dx, dy)

    def cross_fitted(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-ratio of each row along the directions that the rows of the other folds gave, shape (n,).

        Raises:
            UserError: too few rows in a fold.
        """
        kept = min(self.directions, x.shape[1], y.shape[1])
        if len(x) // self.folds <= 2 * kept + 1:
            raise UserError(
                f"{len(x)} rows in {self.folds} folds are too few for {kept} + {kept} "
                "directions: give more rows, or fewer folds or directions."
            )
        ratios = np.empty(len(x))
        folds = np.random.default_rng((self.seed, FOLDS_STREAM)).permutation(len(x)) % self.folds
        for fold in range(self.folds):
            held = folds == fold
            to_x, to_y = self.canonical_directions(x[~held], y[~held])
            ratios[held] = self.of_sample(x[held] @ to_x, y[held] @ to_y)
        return ratios

    def canonical_directions(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The directions of x and of y that correlate most under the shrunk covariance, (features, directions)."""
        z = np.hstack([x, y])
        varies = np.ptp(z, axis=0) > 0.0
        z = np.where(varies, z - z.mean(0), 0.0)
        spread = np.where(varies, z.std(0), 1.0)
        z /= spread
        amount = self.shrinkage
        if amount is None:
            amount = float(ledoit_wolf_shrinkage(z, assume_centered=True))
        covariance = (1 - amount) * (z.T @ z) / len(z) + amount * np.eye(z.shape[1])
        of_x, kept = x.shape[1], min(self.directions, x.shape[1], y.shape[1])
        try:
            root_x, root_y = (
                np.linalg.cholesky(covariance[s, s]) for s in (slice(0, of_x), slice(of_x, None))
            )
        except np.linalg.LinAlgError:
            raise UserError(
                f"a shrinkage of {amount:.1e} leaves the covariance singular: give more."
            ) from None
        half = solve_triangular(root_x, covariance[:of_x, of_x:], lower=True)
        u, _, v = np.linalg.svd(solve_triangular(root_y, half.T, lower=True).T, full_matrices=False)
        to_x = solve_triangular(root_x.T, u[:, :kept])
        to_y = solve_triangular(root_y.T, v[:kept].T)
        return to_x / spread[:of_x, None], to_y / spread[of_x:, None]


def class_warning(rows: NDArray[np.float64], name: str) -> tuple[str, ...]:
    """A warning where one side is a class, which is not normal."""
    if not is_class(rows):
        return ()
    return (
        f"{name} is one column of whole numbers that repeat, which is not normal: this is no lower bound.",
    )


def varying_columns(rows: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """The columns that are not constant.

    Raises:
        UserError: all are.
    """
    varying = np.ptp(rows, axis=0) > 0.0
    if not varying.any():
        raise UserError(f"every column of {name} is constant: it tells nothing of anything.")
    return rows[:, varying]


def standardise(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns with mean 0 and standard deviation 1.

    Raises:
        UserError: a column does not vary over these rows.
    """
    deviation = rows.std(0)
    if not (deviation > 0.0).all():
        raise UserError("a feature or direction is constant over a fold: give more rows, or fewer folds.")
    found: NDArray[np.float64] = (rows - rows.mean(0)) / deviation
    return found


def log_ratios(z: NDArray[np.float64], covariance: NDArray[np.float64], of_x: int) -> NDArray[np.float64]:
    """log [q(x, y) / (q(x) q(y))] of each row under q = N(0, covariance); x is the first columns; shape (n,).

    Over the rows that made the covariance its mean is 1/2 log [det Sxx det Syy / det S] itself.
    """
    sides = (slice(0, of_x), slice(of_x, None))
    marginal = sum(_log_density(z[:, side], covariance[side, side]) for side in sides)
    return _log_density(z, covariance) - marginal


def _log_density(z: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Up to the constant d/2 log 2 pi, which drops out of the ratio."""
    root = np.linalg.cholesky(covariance)
    white = solve_triangular(root, z.T, lower=True)
    found: NDArray[np.float64] = -0.5 * (white**2).sum(0) - np.log(np.diagonal(root)).sum()
    return found


def wishart_bias(n: int, of_x: int, of_y: int) -> float:
    """E of 1/2 log [det Sxx det Syy / det S] less its true value for n normal rows, the mean being estimated.

    E log det S = log det Sigma + sum over j = 1 .. d of psi((n - j) / 2) + d log(2 / n) (Anderson 2003, theorem 7.5.3);
    the terms of x, and the first so many of (x, y), are equal and cancel.

    >>> round(wishart_bias(10_000, 25, 25), 3)  # 25 * 25 / 20,000 is 0.031
    0.031
    """

    def terms(first: int, last: int) -> float:
        return float(digamma((n - np.arange(first, last + 1)) / 2.0).sum())

    return 0.5 * (terms(1, of_y) - terms(of_x + 1, of_x + of_y))
