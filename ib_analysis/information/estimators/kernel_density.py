"""I(x; h + noise) between two closed-form bounds: pairwise distances of the activations under a Gaussian kernel."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.information.estimators.distinct_rows import ceiling_warning, symbol_and_features
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.estimators.gaussian_kernels import check_noise, log_kernel_means, pulls
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity

# Between Gaussians of one variance s^2 the Kullback-Leibler divergence is d^2 / 2 s^2 and the Bhattacharyya
# distance d^2 / 8 s^2: the same kernel with four times the variance.
KULLBACK_LEIBLER = 1.0
BHATTACHARYYA = 4.0


@dataclass(frozen=True)
class PairwiseKernels(Estimator):
    """Information between a symbol s (an image, a class) and h + N(0, noise^2 I), s uniform over these rows.

    The rows of h are the centres of a mixture of equal Gaussians. With
        F_D = -1/n sum_i log [1/n sum_j exp(-D(i, j))]
    h(mixture) - h(noise) is at most F_KL, D = |h_i - h_j|^2 / 2 noise^2, and at least F_B, D = |h_i - h_j|^2 /
    8 noise^2 (Kolchinsky & Tracey 2017). I(s; h + n) = h(mixture) - sum_s p(s) h(mixture of the rows with s), and
    the entropy of the noise drops out; where all rows of one symbol have one h, as in
    I(x; h) of a deterministic network, the second term is the entropy of the noise and the bound is F_D itself.

    Limitations. The network has no noise: the value depends on `noise` (the square root of the variance) and on the
    scale of h, and must be reported with `noise`. The bounds hold for x uniform over *these rows*, so no value is above
    log n. In more than a few dimensions the kernels do not overlap, and the value is log n for any network (for a
    5-dimensional Gaussian with 0.59 nats a kernel estimate gave 6.7). A warning names this case.

    The standard error is over images, by the infinitesimal jackknife; for fixed rows the number is exact.

    Attributes:
        noise: standard deviation of the noise, in the units of h.
    """

    reference: ClassVar[str] = "Kolchinsky & Tracey 2017 (arXiv 1706.02419); Saxe et al. 2018 (ICLR)"
    assumptions: ClassVar[str] = (
        "x is uniform over these rows, and h is read through Gaussian noise of the given size."
    )

    noise: float = 0.1

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        check_noise(self.noise)

    @property
    @abstractmethod
    def widths(self) -> tuple[float, float]:
        """The factor on the variance for the whole mixture, and for the mixtures within a symbol."""

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        symbols, h = symbol_and_features(x, y, quantity)
        whole, within = (factor * self.noise**2 for factor in self.widths)
        all_alike = np.zeros_like(symbols)
        outer, outer_influence = pairwise_entropy(h, all_alike, whole)
        inner, inner_influence = pairwise_entropy(h, symbols, within)
        stderr = (outer_influence - inner_influence).std(ddof=1) / np.sqrt(len(h))
        value = outer - inner
        return self.result(value, float(stderr), len(h), quantity, ceiling_warning(value, symbols))


@dataclass(frozen=True)
class KernelDensityUpper(PairwiseKernels):
    """Upper bound on I(s; h + noise): Kullback-Leibler divergences in the whole, Bhattacharyya distances within s.

    See `PairwiseKernels` for the formula and its traps.

    >>> x, h = np.arange(8), 100.0 * np.arange(8)
    >>> round(float(KernelDensityUpper().estimate(x, h).value / np.log(2)), 12)
    3.0
    """

    name: ClassVar[str] = "kernel_density_upper"
    bound: ClassVar[Bound] = Bound.UPPER

    @property
    def widths(self) -> tuple[float, float]:
        """Kullback-Leibler, Bhattacharyya."""
        return KULLBACK_LEIBLER, BHATTACHARYYA


@dataclass(frozen=True)
class KernelDensityLower(PairwiseKernels):
    """Lower bound on I(s; h + noise): Bhattacharyya distances in the whole, Kullback-Leibler divergences within s.

    See `PairwiseKernels` for the formula and its traps. For labels it may fall below zero.

    >>> x, h = np.arange(8), np.zeros(8)
    >>> abs(round(KernelDensityLower().estimate(x, h, Quantity.IMAGE_INFORMATION).value, 12))
    0.0
    """

    name: ClassVar[str] = "kernel_density_lower"
    bound: ClassVar[Bound] = Bound.LOWER

    @property
    def widths(self) -> tuple[float, float]:
        """Bhattacharyya, Kullback-Leibler."""
        return BHATTACHARYYA, KULLBACK_LEIBLER


@dataclass(frozen=True)
class KernelDensity(PairwiseKernels):
    """The estimate of Saxe et al. (2018): Kullback-Leibler divergences in the whole and within s.

    For I(x; h) of a deterministic network it is the upper bound. For I(y; h) it is a difference of two upper
    bounds, and so no bound. See `PairwiseKernels` for the formula and its traps.

    >>> y = np.arange(8) % 2
    >>> round(float(KernelDensity().estimate(100.0 * y, y).value / np.log(2)), 12)
    1.0
    """

    name: ClassVar[str] = "kernel_density"
    bound: ClassVar[Bound] = Bound.NONE

    @property
    def widths(self) -> tuple[float, float]:
        """Kullback-Leibler, both."""
        return KULLBACK_LEIBLER, KULLBACK_LEIBLER


def pairwise_entropy(
    h: NDArray[np.float64], symbols: NDArray[np.intp], variance: float
) -> tuple[float, NDArray[np.float64]]:
    """Mean over rows of -log of the mean kernel to the rows of the same symbol, and the influence of each row.

    The influence of row i is what the value gains, times n, when row i counts a little more, up to a constant:
    -log mean_i - sum_j k_ij / (n_s mean_j), both sums within the symbol of i.

    Args:
        h: rows (n, d).
        symbols: of each row (n,).
        variance: of the kernel exp(-|h_i - h_j|^2 / 2 variance).
    """
    counts = np.bincount(symbols)[symbols]
    if counts.max() == 1:
        return 0.0, np.zeros(len(h))  # every row is the only one of its symbol
    centred = h - h.mean(0)
    of = () if counts.min() == len(h) else (symbols, symbols)  # one symbol for all is no symbol
    logs = log_kernel_means(centred, centred, variance, *of)
    influence = -logs - pulls(centred, centred, variance, logs, *of) / counts
    return float(-logs.mean()), influence
