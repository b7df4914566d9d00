"""I(x; h + noise) by samples of the mixture of all h: exact for a finite universe, up to Monte-Carlo error."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.distinct_rows import ceiling_warning, symbol_and_features
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.estimators.gaussian_kernels import (
    NOISE_STREAM,
    blocks,
    check_noise,
    log_kernel_means,
    pulls,
)
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity


@dataclass(frozen=True)
class NoisyMixture(Estimator):
    """Information between a symbol s (an image, a class) and t = h + N(0, noise^2 I), the rows of h its centres.

    I(s; t) = E log [p(t | s) / p(t)], p(t) = 1/n sum_j N(t; h_j, noise^2 I) over all rows and p(t | s) over the
    rows of s; the mean is over `draws` draws of the noise on every row. It is the sample-propagation estimator
    h(P * N) - h(N) of Goldfeld et al. (2019), written as one ratio so that the entropy of the noise
    and most of the Monte-Carlo error drop out: far-apart centres give log n in every draw.

    Over a universe (all images there are, each equally likely) nothing else is approximated: the value is exact up
    to the standard error, which is Monte Carlo alone. Where the rows are a sample of images (`universe` False) the
    standard error also holds the drawing of the images (infinitesimal jackknife), but the bias stays: the mixture
    has n centres, the value is at most log n, and the number of rows needed grows exponentially with the
    dimension of h. The noise is not in a deterministic network: the number is a function of
    `noise` and of the scale of h.

    Check: 4,096 independent standard normal centres in 64 dimensions under noise 0.5, 1, 2, 4 hold 12.000, 11.999,
    9.01 +- .08 and 2.82 +- .06 bits (`pytest -k 4096 tests/ib_analysis/information/estimators/test_noisy_mixture.py`).

    >>> x, h = np.arange(8), 100.0 * np.arange(8)
    >>> round(float(NoisyMixture().estimate(x, h).value / np.log(2)), 6)
    3.0

    Attributes:
        noise: standard deviation of the noise, in the units of h.
        draws: of the noise for each row; 2 or more, so that they have a spread.
        universe: whether the rows are the whole universe, or a sample of it.
        seed: of the draws.
    """

    name: ClassVar[str] = "noisy_mixture"
    reference: ClassVar[str] = "Goldfeld et al. 2019 (arXiv 1810.05728)"
    assumptions: ClassVar[str] = (
        "The rows are every x there is, each equally likely, and h is read through Gaussian noise."
    )
    bound: ClassVar[Bound] = Bound.CONSISTENT

    noise: float = 0.1
    draws: int = 8
    universe: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        check_noise(self.noise)
        if self.draws < 2:
            raise UserError(
                f"draws is {self.draws}: give 2 or more, so that the Monte-Carlo error can be told."
            )

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        symbols, h = symbol_and_features(x, y, quantity)
        ratios, influence = self.log_ratios(h - h.mean(0), symbols)
        n = len(h)
        # The noise is drawn equally often on each row: what differs between rows is no Monte-Carlo error.
        error = ratios.var(axis=1, ddof=1).mean() / (self.draws * n)
        if not self.universe:
            error += influence.var(ddof=1) / n
        value = float(ratios.mean())
        warnings = () if self.universe else ceiling_warning(value, symbols)
        return self.result(value, float(np.sqrt(error)), n, quantity, warnings)

    def log_ratios(
        self, h: NDArray[np.float64], symbols: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """log [p(t | s) / p(t)] of every draw, shape (n, draws), and the influence of each row (n,)."""
        rng, n = np.random.default_rng((self.seed, NOISE_STREAM)), len(h)
        ratios, influence = np.empty((n, self.draws)), np.zeros(n)
        for draw in range(self.draws):
            for part in blocks(n, h.shape[1]):
                noise = self.noise * rng.standard_normal(h[part].shape)
                ratios[part, draw], pull = self._of_part(h, symbols, part, noise)
                influence[part] += ratios[part, draw]
                influence += pull
        return ratios, influence / self.draws

    def _of_part(
        self, h: NDArray[np.float64], symbols: NDArray[np.intp], part: slice, noise: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The log-ratios of some rows under one draw, and what each row gains as one of the centres (n,)."""
        t, variance = h[part] + noise, self.noise**2
        counts = np.bincount(symbols)[symbols]
        whole = log_kernel_means(t, h, variance)
        if counts.max() == 1:
            within = -(noise**2).sum(1) / (2 * variance)  # the only centre of a symbol is the row itself
        else:
            within = log_kernel_means(t, h, variance, symbols[part], symbols)
        if self.universe:  # no row could have been another: its influence is not asked for
            return within - whole, np.zeros(len(h))
        as_centre = pulls(t, h, variance, within, symbols[part], symbols) / counts
        return within - whole, as_centre - pulls(t, h, variance, whole) / len(h)
