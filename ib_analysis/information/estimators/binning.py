"""I(x; h) of activations in bins of equal width, the estimator of the first information planes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.counting import counting_error, joint, pointwise_information
from ib_analysis.information.estimators.distinct_rows import (
    alone_warning,
    codes,
    is_class,
    labels,
)
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity

Cells = Callable[[NDArray[np.float64]], NDArray[np.intp]]


@dataclass(frozen=True)
class Binning(Estimator):
    """Plug-in information of h cut into bins of one width on every unit: I(x; bin(h)), empirical.

    bin(h)_j = floor((h_j - low) / width), width = (high - low) / bins; then the sum over distinct rows of
    f(x, b) log [f(x, b) / (f(x) f(b))]. In I(x; h) only which images are equal matters of x, and I(x; bin(h)) is
    the entropy of the binned rows; in I(y; h), called with (h, labels), y is the class; any other pair is binned
    on both sides, save a column of labels.

    It is the information of the *sample*: never above log n, which it reaches as soon as every row has a cell of
    its own, as in any wide layer or with narrow bins. The label information then is H(y). A warning says so.
    Bins that are narrower or a network that scales its activations give another number: it measures how activations
    cluster (Goldfeld et al. 2019), not I(x; h). A range taken from tanh, [-1, 1], cuts a ReLU layer short;
    values outside a given range are refused.

    The standard error is by the delta method over images, and does not contain the bias.

    >>> h = np.linspace(-1, 1, 64)
    >>> round(float(Binning(bins=4).estimate(np.arange(64), h, Quantity.IMAGE_INFORMATION).value / np.log(2)), 12)
    2.0

    Attributes:
        bins: number for each unit.
        low: lower edge of the first bin; None is the smallest activation of the rows.
        high: upper edge of the last bin; None is the largest activation.
    """

    name: ClassVar[str] = "binning"
    reference: ClassVar[str] = "Shwartz-Ziv & Tishby 2017 (arXiv 1703.00810)"
    assumptions: ClassVar[str] = (
        "h matters only up to its bin, and the sample has many more rows than cells in use."
    )
    bound: ClassVar[Bound] = Bound.NONE

    bins: int = 30
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        check_bins(self.bins)
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise UserError(f"low is {self.low} and high {self.high}: bins need low < high.")

    def cells(self, rows: NDArray[np.float64]) -> NDArray[np.intp]:
        """The bin of each number, 0 .. bins - 1, shape (n, d).

        Raises:
            UserError: a number outside the range that was given.
        """
        least, most = float(rows.min()), float(rows.max())
        low, high = least if self.low is None else self.low, most if self.high is None else self.high
        if least < low or most > high:
            raise UserError(
                f"activations lie in [{least:.4g}, {most:.4g}], the bins in [{low:.4g}, {high:.4g}]: "
                "give a low and a high that hold them all, or leave both out."
            )
        width = (high - low) / self.bins or 1.0  # constant activations have one cell
        found: NDArray[np.intp] = np.minimum(((rows - low) / width).astype(np.intp), self.bins - 1)
        return found

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        a, b = binned_pair(self.cells, x, y, quantity)
        return empirical(self, a, b, quantity)


def check_bins(bins: int) -> None:
    """Refuse fewer than two bins.

    Raises:
        UserError: naming the setting.
    """
    if bins < 2:
        raise UserError(f"bins is {bins}: give 2 or more.")


def binned_pair(
    cells: Cells, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Symbols of both sides, shapes (n,): images and labels are symbols; other rows are replaced by their cells.

    Raises:
        UserError: labels are asked for and are not there.
    """
    if quantity is Quantity.IMAGE_INFORMATION:
        return codes(x), codes(cells(y))
    if quantity is Quantity.LABEL_INFORMATION:
        return codes(cells(x)), labels(y, "y")
    a, b = (codes(side if is_class(side) else cells(side)) for side in (x, y))
    return a, b


def empirical(method: Estimator, a: NDArray[np.intp], b: NDArray[np.intp], quantity: Quantity) -> Estimate:
    """The plug-in information of two columns of symbols (n,), with a warning where it saturates."""
    # Images are unlike each other by nature; what must repeat is the cell of h.
    must_repeat = b if quantity is Quantity.IMAGE_INFORMATION else joint(a, b)
    value = float(pointwise_information(a, b).mean())
    return method.result(value, counting_error(a, b), len(a), quantity, alone_warning(must_repeat))
