"""I(x; y) of discrete rows by counting: exact over a whole universe, corrected for bias over a sample."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.distinct_rows import alone_warning, codes
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity


@dataclass(frozen=True)
class Counting(Estimator):
    """Information between x and y when the rows are *all* the pairs there are, each equally likely.

    I(x; y) = sum over distinct pairs of p(x, y) log [p(x, y) / (p(x) p(y))], with p the share of the rows. For y = f(x)
    it is the entropy of y. A row that occurs twice is twice as likely; sums run over distinct values, not over rows. A
    one-to-one map of x or of y does not change it.

    Push every image of a finite universe (all rectangles, all quantised codes) through a network and this is I(x; h) of
    that network without any error, as Lorenzen, Igel & Nielsen (2022) do with quantised networks. Over a *sample* of
    images it is the entropy of the sample: an h that is different for every image gives log n for any network. Use
    `CountingSample` there.

    >>> x = np.arange(8)
    >>> round(float(Counting().estimate(x, x // 2).value / np.log(2)), 12)
    2.0
    """

    name: ClassVar[str] = "counting"
    reference: ClassVar[str] = (
        "Lorenzen, Igel & Nielsen 2022 (arXiv 2106.12912); Cover & Thomas 2006, section 2.3"
    )
    assumptions: ClassVar[str] = "The rows are every pair of the universe, each as often as it is likely."
    bound: ClassVar[Bound] = Bound.EXACT

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        value = float(pointwise_information(codes(x), codes(y)).mean())
        return self.result(value, 0.0, len(x), quantity)


class Correction(StrEnum):
    """Correction of the bias of a plug-in entropy; K is the number of distinct symbols in the sample.

    none: no correction; the entropy is too low by about (K - 1) / 2n.
    miller_madow: (K - 1) / 2n is added to each entropy (Miller 1955).
    jackknife: n H - (n - 1) / n sum over i of H without row i (Quenouille 1956; Zahl 1977); the stronger of the
        two, at more variance.
    """

    NONE = "none"
    MILLER_MADOW = "miller_madow"
    JACKKNIFE = "jackknife"


@dataclass(frozen=True)
class CountingSample(Estimator):
    """Information between discrete x and y from independent pairs: H(x) + H(y) - H(x, y), each entropy corrected.

    Counted from a sample, an entropy is too low and I(x; y) mostly too high, by about (Kxy - Kx - Ky + 1) / 2n
    with K distinct symbols (pairs). Both corrections remove the term of order 1 / n. Neither helps where most symbols
    occur once (n << K); a warning names this case.

    The standard error is that of the mean of the pointwise information (the delta method), without the correction. For
    independent x and y it is of the order of 1 / n, like the estimate.

    Attributes:
        correction: of the bias.
    """

    name: ClassVar[str] = "counting_sample"
    reference: ClassVar[str] = "Miller 1955; Zahl 1977; Paninski 2003, Neural Computation 15"
    assumptions: ClassVar[str] = (
        "x and y are discrete, the pairs independent, and most symbols come several times."
    )
    bound: ClassVar[Bound] = Bound.CONSISTENT

    correction: Correction = Correction.MILLER_MADOW

    def __post_init__(self) -> None:
        """Refuse a correction that does not exist.

        Raises:
            UserError: naming the setting.
        """
        if self.correction not in list(Correction):
            raise UserError(f"correction is {self.correction!r}: choose one of {', '.join(Correction)}.")

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        a, b = codes(x), codes(y)
        pair = joint(a, b)
        value = sum(
            sign * corrected_entropy(symbols, Correction(self.correction))
            for sign, symbols in ((1.0, a), (1.0, b), (-1.0, pair))
        )
        return self.result(value, counting_error(a, b), len(x), quantity, alone_warning(pair))


def joint(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.intp]:
    """One number for each distinct pair (a_i, b_i), shape (n,).

    >>> joint(np.array([0, 0, 1]), np.array([5, 6, 5])).tolist()
    [0, 1, 2]
    """
    found: NDArray[np.intp] = np.unique(a * (int(b.max()) + 1) + b, return_inverse=True)[1].ravel()
    return found


def pointwise_information(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.float64]:
    """log [f(a_i, b_i) / (f(a_i) f(b_i))] of each row, f the share of the rows; its mean is the plug-in I(a; b).

    >>> pointwise_information(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    nats: NDArray[np.float64] = _log_share(joint(a, b)) - _log_share(a) - _log_share(b)
    return nats


def counting_error(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    """Standard error of the plug-in I(a; b) over independent pairs, by the delta method.

    To first order the estimate moves with the share of a pair by the pointwise information of that pair.
    """
    return float(pointwise_information(a, b).std(ddof=1) / np.sqrt(len(a)))


def corrected_entropy(symbols: NDArray[np.intp], correction: Correction) -> float:
    """H of the symbols in nats, with a correction of its bias.

    >>> symbols = np.array([0, 0, 1, 1])
    >>> round(corrected_entropy(symbols, Correction.MILLER_MADOW) - float(np.log(2)), 6)
    0.125
    """
    counts = np.unique(symbols, return_counts=True)[1].astype(np.float64)
    n = counts.sum()
    plain = _entropy_of_counts(counts, n)
    if correction is Correction.MILLER_MADOW:
        return float(plain + (len(counts) - 1) / (2 * n))
    if correction is Correction.JACKKNIFE:
        total = (counts * np.log(counts)).sum()
        # Without one row of a symbol seen c times, the sum of c log c loses c log c and gains (c - 1) log (c - 1).
        fewer = total - counts * np.log(counts) + _n_log_n(counts - 1)
        without = np.log(n - 1) - fewer / (n - 1)
        return float(n * plain - (n - 1) / n * (counts * without).sum())
    return float(plain)


def _entropy_of_counts(counts: NDArray[np.float64], n: float) -> float:
    return float(np.log(n) - (counts * np.log(counts)).sum() / n)


def _n_log_n(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = counts * np.log(np.maximum(counts, 1.0))
    return found


def _log_share(symbols: NDArray[np.intp]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(symbols, return_inverse=True, return_counts=True)
    found: NDArray[np.float64] = np.log(counts / len(symbols))[inverse.ravel()]
    return found
