"""I(x; h) of activations in bins at quantiles of their values, invariant to the scale of the network."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.information.estimators.binning import binned_pair, check_bins, empirical
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity


@dataclass(frozen=True)
class AdaptiveBinning(Estimator):
    """Plug-in information of h in bins that each hold equally many of the distinct activations of the layer.

    The edges are the quantiles i / bins, i = 1 .. bins - 1, of the distinct values that all units of the layer
    took on the sample; then it is `Binning`. An increasing map of all activations, such as a scale, leaves it as
    it is. Distinct values are counted, not activations: the many exact zeros of a ReLU layer are one value and
    do not draw the edges together.

    It saturates at log n as fixed bins do, and the more easily in a wide layer; the same warning says so. The
    edges come from the sample, so two layers or two epochs are not cut alike: compare shapes, not values.

    >>> h = np.exp(np.linspace(-9, 9, 64))
    >>> found = AdaptiveBinning(bins=4).estimate(np.arange(64), h, Quantity.IMAGE_INFORMATION)
    >>> round(float(found.value / np.log(2)), 9)
    2.0

    Attributes:
        bins: of the layer.
    """

    name: ClassVar[str] = "adaptive_binning"
    reference: ClassVar[str] = "Chelombiev, Houghton & O'Donnell 2019 (arXiv 1902.09037), entropy-based bins"
    assumptions: ClassVar[str] = (
        "h matters only up to its bin, and the sample has many more rows than cells in use."
    )
    bound: ClassVar[Bound] = Bound.NONE

    bins: int = 30

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        check_bins(self.bins)

    def edges(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inner edges of the bins, shape (bins - 1,) or fewer where there are fewer distinct values.

        >>> AdaptiveBinning(bins=2).edges(np.array([[0.0, 0.0], [0.0, 1.0], [5.0, 9.0]])).tolist()
        [5.0]
        """
        values = np.unique(rows)
        first = np.arange(1, self.bins) * len(values) // self.bins
        return values[np.unique(first[first > 0])]

    def cells(self, rows: NDArray[np.float64]) -> NDArray[np.intp]:
        """The bin of each number, 0 .. bins - 1, shape (n, d); an edge belongs to the bin above it."""
        found: NDArray[np.intp] = np.searchsorted(self.edges(rows), rows, side="right")
        return found

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        a, b = binned_pair(self.cells, x, y, quantity)
        return empirical(self, a, b, quantity)
