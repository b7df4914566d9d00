"""Matrix-based Renyi information: entropies of the eigenvalues of kernel matrices, with no density estimated."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.distinct_rows import ceiling_warning, codes, is_class, labels
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.estimators.gaussian_kernels import squared_distances
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity

MOST_ROWS = 5000
NEIGHBOURS = 10


class WidthRule(StrEnum):
    """Choice of the width of a kernel from the distances between the rows.

    median: the median distance between two different rows, the usual choice.
    neighbours: the mean distance to the 10 nearest rows, which is narrower.
    """

    MEDIAN = "median"
    NEIGHBOURS = "neighbours"


@dataclass(frozen=True)
class Renyi(Estimator):
    """S(A) + S(B) - S(A o B) with S(A) = log tr A^alpha / (1 - alpha), nats (Giraldo, Rao & Principe 2015).

    A_ij = exp(-|x_i - x_j|^2 / 2 width^2) / n, B likewise of y, and o is the product element by element times n,
    so that every matrix has trace 1. A column of labels has the kernel "same class"; the entropy of balanced classes
    then is log of their number. As alpha goes to 1, S goes to the von Neumann entropy.

    It is no estimate of Shannon's information: widths near 0 make every row a state of its own, log n nats, and
    large ones a single state, 0. Only values with the same widths, alpha and n may be compared, and the widths
    follow the rows here unless given: give them for a comparison over epochs. With few rows a mini-batch of 100,
    as Wickstrom et al. (2019) take, has a ceiling of log 100. Independent x and y do not give 0 for finite n.

    The standard error is over rows at fixed widths, by the infinitesimal jackknife: the influence of row i on S(A)
    is alpha n (A^alpha)_ii / ((1 - alpha) tr A^alpha). It costs three eigendecompositions of n x n.

    Attributes:
        alpha: order of the entropy, above 0 and not 1.
        x_width: of the kernel of x, in its units, or the rule that chooses it.
        y_width: the same for y.
    """

    name: ClassVar[str] = "renyi"
    reference: ClassVar[str] = (
        "Giraldo, Rao & Principe 2015 (arXiv 1211.2459); Wickstrom et al. 2019 (arXiv 1909.11396)"
    )
    assumptions: ClassVar[str] = (
        "Values are compared among themselves only, at the same kernel widths, alpha and n."
    )
    bound: ClassVar[Bound] = Bound.NONE

    alpha: float = 1.01
    x_width: float | WidthRule = WidthRule.MEDIAN
    y_width: float | WidthRule = WidthRule.MEDIAN

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        if not self.alpha > 0.0 or self.alpha == 1.0:
            raise UserError(f"alpha is {self.alpha}: give an order above 0 other than 1, such as 1.01.")
        for name, width in (("x_width", self.x_width), ("y_width", self.y_width)):
            if isinstance(width, str):
                if width not in list(WidthRule):
                    raise UserError(f"{name} is {width!r}: give a number or one of {', '.join(WidthRule)}.")
            elif not width > 0.0:
                raise UserError(f"{name} is {width}: give a width above 0.")

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        n = len(x)
        if n > MOST_ROWS:
            raise UserError(
                f"{n} rows need eigenvalues of a {n} x {n} matrix: give {MOST_ROWS} rows or fewer."
            )
        if quantity is Quantity.LABEL_INFORMATION:
            labels(y, "y")  # refuses what is no class
        a, b = kernel(x, self.x_width), kernel(y, self.y_width)
        value, influence = 0.0, np.zeros(n)
        for sign, matrix in ((1.0, a), (1.0, b), (-1.0, a * b)):
            entropy, of_row = matrix_entropy(matrix / n, self.alpha)
            value, influence = value + sign * entropy, influence + sign * of_row
        stderr = float(influence.std(ddof=1) / np.sqrt(n))
        return self.result(value, stderr, n, quantity, ceiling_warning(value, codes(x)))


def kernel(rows: NDArray[np.float64], width: float | WidthRule) -> NDArray[np.float64]:
    """exp(-|r_i - r_j|^2 / 2 width^2), or 1 within a class and 0 between classes; shape (n, n), diagonal 1."""
    if is_class(rows):
        return (rows == rows.T).astype(np.float64)
    centred = rows - rows.mean(0)
    squares = squared_distances(centred, centred)
    np.fill_diagonal(squares, 0.0)
    size = chosen_width(squares, WidthRule(width)) if isinstance(width, str) else width
    found: NDArray[np.float64] = np.exp(squares / (-2.0 * size**2))
    return found


def chosen_width(squares: NDArray[np.float64], rule: WidthRule) -> float:
    """A width from squared distances (n, n).

    >>> chosen_width(np.array([[0.0, 4.0], [4.0, 0.0]]), WidthRule.MEDIAN)
    2.0

    Raises:
        UserError: the rows are so much alike that the rule gives 0.
    """
    if rule is WidthRule.MEDIAN:
        width = float(np.sqrt(np.median(squares[np.triu_indices(len(squares), 1)])))
    else:
        nearest = np.partition(squares, min(NEIGHBOURS, len(squares) - 1), axis=1)[:, 1 : NEIGHBOURS + 1]
        width = float(np.sqrt(np.maximum(nearest, 0.0)).mean())
    if width == 0.0:
        raise UserError(
            f"the rule {rule} gives a kernel width of 0, since most rows are equal: give a width."
        )
    return width


def matrix_entropy(a: NDArray[np.float64], alpha: float) -> tuple[float, NDArray[np.float64]]:
    """S_alpha of a positive matrix of trace 1, nats, and the influence of each row, up to a constant.

    >>> round(float(matrix_entropy(np.eye(8) / 8, 1.01)[0] / np.log(2)), 9)
    3.0
    """
    values, vectors = eigh(a)
    powers = np.maximum(values, 0.0) ** alpha
    trace = float(powers.sum())
    diagonal = (vectors**2) @ powers
    return float(np.log(trace) / (1.0 - alpha)), alpha * len(a) * diagonal / ((1.0 - alpha) * trace)
