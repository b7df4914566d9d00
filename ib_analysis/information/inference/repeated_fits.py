"""Information at a point from repeated fits of its decoder: what images, and what another fit, would have changed.

The seeds of a decoder draw its first weights, the order of its examples and its dropout. Their spread says how far one
fit lies from the mean of fits; two or three fits a point tell it poorly, so that the points of an experiment tell it
together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import LEVEL, check_level
from ib_analysis.information.measurement.nats import mean_with_error, per_image

Values = NDArray[np.float64]
# Below this share of the mean variance of all points a spread is that of rounding.
SMALLEST_SHARE = 1e-6


@dataclass(frozen=True)
class FitSpread:
    """The variance of one fit about the mean of all fits at a point, in nats^2, known on so many degrees of freedom."""

    variance: float
    degrees: float

    def stderr(self, fits: int) -> float:
        """The standard error of a mean over that many fits, in nats."""
        return math.sqrt(self.variance / fits)


@dataclass(frozen=True)
class RepeatedEstimate:
    """Information in nats per image from the average of repeated fits, and its errors.

    `fits` is None where a single fit leaves the spread unknown; `n_images` and `n_fits` are what the errors rest on.
    """

    nats: float
    stderr_images_nats: float
    fits: FitSpread | None
    n_images: int
    n_fits: int

    @property
    def stderr_fits_nats(self) -> float | None:
        """The standard error over fits of the average of `n_fits`; None where it is unknown."""
        return None if self.fits is None else self.fits.stderr(self.n_fits)

    @property
    def stderr_nats(self) -> float:
        """Both errors together: they are independent, for fits do not depend on evaluation images."""
        return math.hypot(self.stderr_images_nats, self.stderr_fits_nats or 0.0)

    @property
    def degrees(self) -> float:
        """Degrees of freedom of `stderr_nats` (Welch 1947, Satterthwaite 1946)."""
        parts = [(self.stderr_images_nats**2, self.n_images - 1.0)]
        if self.fits is not None:
            parts.append((self.fits.variance / self.n_fits, self.fits.degrees))
        return satterthwaite(parts)

    def half_width(self, level: float = LEVEL) -> float:
        """Nats to each side that cover the mean of endless images and fits with probability `level`."""
        check_level(level)
        return float(stats.t.ppf((1.0 + level) / 2.0, self.degrees)) * self.stderr_nats


def satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances that are each known on their own: (sum v)^2 / sum (v^2 / d).

    Infinite where no part is uncertain.

    >>> satterthwaite([(1.0, 10.0), (1.0, 10.0)])
    20.0
    >>> satterthwaite([(3.0, 10.0), (0.0, 1.0)])
    10.0
    """
    total = sum(v for v, _ in parts)
    uncertain = sum(v**2 / d for v, d in parts if d < math.inf)
    return math.inf if uncertain == 0.0 else total**2 / uncertain


def repeated_estimates(
    marginal: ArrayLike, averaged: Sequence[ArrayLike], members: Sequence[Sequence[ArrayLike]]
) -> tuple[RepeatedEstimate, ...]:
    """The information at each point of an experiment, with its errors over images and over fits.

    Value: mean over images of -log q(x) + log q(x | h), where q(x | h) is the average of the members' probabilities.
    Error over images: of the mean of these paired differences. Error over fits: the members' own estimates
    differ from fit to fit by s^2; to first order in these differences the average of M members has s^2 / M, which is
    also what the jackknife gives for M = 2. s^2 is `moderated` over the points.

    Args:
        marginal: -log q(x_i), shared by all points, shape (images,).
        averaged: for each point the nats of its averaged density, shape (images,).
        members: for each point the nats of each of its fits, shape (fits, images).

    Raises:
        UserError: arrays that do not belong together, or values that are not finite.
    """
    if len(averaged) != len(members):
        raise UserError(
            f"{len(averaged)} points but members of {len(members)}: give the fits of every point."
        )
    m = per_image(marginal, "nats of the marginal")
    means = [
        np.array([float((m - per_image(c, "nats of a fit", len(m))).mean()) for c in fits])
        for fits in members
    ]
    return tuple(
        RepeatedEstimate(
            *mean_with_error(m - per_image(c, "averaged nats", len(m))), spread, len(m), len(values)
        )
        for c, values, spread in zip(averaged, means, moderated(means), strict=True)
    )


def moderated(values: Sequence[ArrayLike]) -> list[FitSpread | None]:
    """The spread of fits at each point, its own variance drawn towards that of all points.

    A point of M fits knows its variance s^2 on d = M - 1 degrees of freedom: with M = 2 on one, where Student's t
    reaches 12.7 standard errors. Variances are taken to be drawn from a law s0^2 d0 / chi^2(d0) of the experiment,
    whose s0 and d0 come from the mean and the variance of log s^2. The estimate is (d0 s0^2 + d s^2) / (d0 + d). It
    has d0 + d degrees, but never more than all points have together. Points that agree as well as chance allows get
    one common variance; points that do not keep more of their own.

    Args:
        values: for each point the information by each of its fits, in nats, shape (fits,).

    Returns:
        One for each point; None for all where no point has two fits. A point with one fit gets the common spread.

    Source: Smyth 2004 (Statistical Applications in Genetics and Molecular Biology 3, 3), sections 6.1 and 6.2.

    >>> [round(s.variance, 2) for s in moderated([[0.0, 1.0], [5.0, 6.0], [3.0, 4.0]])]
    [0.5, 0.5, 0.5]
    >>> moderated([[1.0], [2.0]])
    [None, None]
    """
    rows = [np.asarray(row, dtype=np.float64) for row in values]
    variances = [float(row.var(ddof=1)) if len(row) > 1 else 0.0 for row in rows]
    return moderated_variances(variances, [len(row) - 1 for row in rows])


def moderated_variances(variances: Sequence[float], degrees: Sequence[int]) -> list[FitSpread | None]:
    """The same from variances that are known on so many degrees of freedom each; 0 degrees say that one is unknown."""
    own = [(v, d) for v, d in zip(variances, degrees, strict=True) if d]
    if not own:
        return [None] * len(variances)
    prior = _prior(np.array([v for v, _ in own]), np.array([float(d) for _, d in own]))
    total = float(sum(d for _, d in own))
    return [_drawn_together(v, d, prior, total) for v, d in zip(variances, degrees, strict=True)]


def _drawn_together(variance: float, degrees: int, prior: FitSpread, all_degrees: float) -> FitSpread:
    """Its own variance and the prior's; no point knows more than all of them together do."""
    if not degrees:
        return FitSpread(prior.variance, min(prior.degrees, all_degrees))
    if math.isinf(prior.degrees):
        return FitSpread(prior.variance, all_degrees)
    total = prior.degrees + degrees
    return FitSpread((prior.degrees * prior.variance + degrees * variance) / total, min(total, all_degrees))


def _prior(variances: Values, degrees: Values) -> FitSpread:
    """s0^2 and d0 by the method of moments on log s^2; where chance explains all differences d0 is infinite."""
    pooled = float(degrees @ variances / degrees.sum())
    if len(variances) == 1 or pooled == 0.0:
        return FitSpread(pooled, math.inf)
    floored = np.maximum(variances, SMALLEST_SHARE * pooled)
    logs = np.log(floored) - special.digamma(degrees / 2.0) + np.log(degrees / 2.0)
    excess = float(logs.var(ddof=1) - special.polygamma(1, degrees / 2.0).mean())
    if excess <= 0.0:
        return FitSpread(pooled, math.inf)
    d0 = 2.0 * _trigamma_inverse(excess)
    return FitSpread(math.exp(float(logs.mean()) + special.digamma(d0 / 2.0) - math.log(d0 / 2.0)), d0)


def _trigamma_inverse(value: float) -> float:
    """y with trigamma(y) = value, by Newton's method (Smyth 2004, appendix)."""
    y = 0.5 + 1.0 / value
    for _ in range(50):
        tri = float(special.polygamma(1, y))
        step = tri * (1.0 - tri / value) / float(special.polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y
