"""Simultaneous confidence bands: a whole curve of paired means is covered at once, not each point alone."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import LEVEL, check_level
from ib_analysis.information.measurement.nats import per_image

Values = NDArray[np.float64]
# A 95 % quantile of 20,000 draws is uncertain by 0.3 to 0.8 %, which moves the coverage by up to 0.2 %.
DRAWS = 20_000


@dataclass(frozen=True)
class Band:
    """K means with a band that covers all K true values at once; arrays of shape (points,), in nats.

    `critical` is how many standard errors the band reaches up and down.
    """

    nats: Values
    stderr_nats: Values
    critical: float
    low_nats: Values
    high_nats: Values


def simultaneous_band(
    contributions: ArrayLike, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> Band:
    """m_k -+ c s_k for all k, with c the `level` quantile of max_k |t_k|.

    For a curve of informations the contributions of point k are -log q(x_i) + log q_k(x_i | h_i) over the same
    images i: their means m_k are correlated, often strongly, and c lies between the quantile of a single
    Student t and that of Bonferroni's inequality. See `max_t_draws` for the law of max_k |t_k|.

    Args:
        contributions: nats of each image at each point, shape (points, images).
        level: probability that the band covers every point.
        draws: of max_k |t_k|.
        seed: of the draws.

    Raises:
        UserError: contributions that are not finite or not of shape (points, images), or a level outside (0, 1).

    Source: Chernozhukov, Chetverikov & Kato 2013 (Annals of Statistics 41, 2786: the Gaussian multiplier
    bootstrap of a maximum); Montiel Olea & Plagborg-Moller 2019 (Journal of Applied Econometrics 34, 1: sup-t).

    >>> nats = np.random.default_rng(0).normal(size=500)
    >>> one, twice = simultaneous_band([nats]), simultaneous_band([nats, nats + 1.0])
    >>> round(one.critical, 1), round(twice.critical, 1)
    (2.0, 2.0)
    """
    check_level(level)
    rows = points_by_images(contributions)
    nats, stderr = means_with_errors(rows)
    critical = float(np.quantile(max_t_draws(rows, draws=draws, seed=seed), level))
    return Band(nats, stderr, critical, nats - critical * stderr, nats + critical * stderr)


def points_by_images(contributions: ArrayLike) -> Values:
    """Nats of shape (points, images) as float64, all finite; at least one point and two images.

    Raises:
        UserError: naming the first point that is wrong.
    """
    rows = np.asarray(contributions, dtype=np.float64)
    if rows.ndim != 2 or not len(rows):
        raise UserError(
            f"contributions have shape {rows.shape}: (points, images) is needed, one row a point."
        )
    return np.stack([per_image(row, f"contributions of point {k}") for k, row in enumerate(rows)])


def means_with_errors(rows: Values) -> tuple[Values, Values]:
    """Mean and standard error of each row of (points, images), both of shape (points,)."""
    return rows.mean(axis=1), rows.std(axis=1, ddof=1) / np.sqrt(rows.shape[1])


def max_t_draws(rows: Values, *, draws: int = DRAWS, seed: int = 0) -> Values:
    """Draws of max_k |t_k| of K paired means whose true values are all 0; shape (draws,).

    t = z / w with z ~ N(0, C), C the correlations of the rows over images, and w^2 ~ chi^2(n - 1) / (n - 1).
    N(0, C) is, given the data, exactly the law of sum_i g_i (r_ki - m_k) / (s_k sqrt(n (n - 1))) with independent
    standard normal g_i: this is the Gaussian multiplier bootstrap without its loop over images. w makes it
    the multivariate t, exact for Gaussian rows at any n (Hothorn, Bretz & Westfall 2008, section 3).

    Points that do not vary over images have no error and stay out; where none varies every draw is 0.

    Args:
        rows: (points, images).
        draws: how many.
        seed: the same seed gives the same draws.
    """
    varying = rows[np.ptp(rows, axis=1) > 0.0]
    if not len(varying):
        return np.zeros(draws)
    eigenvalues, vectors = np.linalg.eigh(np.atleast_2d(np.corrcoef(varying)))
    root = vectors * np.sqrt(np.clip(eigenvalues, 0.0, None))  # rounding makes tiny eigenvalues negative
    z = root @ _normals(len(varying), draws, seed)
    most: Values = np.abs(z).max(axis=0) / _deviations(rows.shape[1] - 1, draws, seed)
    return most


@lru_cache(maxsize=8)
def _normals(points: int, draws: int, seed: int) -> Values:
    """Kept, because drawing them costs more than all the rest, and every tap of a network has the same shape."""
    return _frozen(np.random.default_rng([seed, 0]).standard_normal((points, draws)))


@lru_cache(maxsize=8)
def _deviations(degrees: int, draws: int, seed: int) -> Values:
    """Sample deviations of `degrees` degrees of freedom of a standard normal variable."""
    return _frozen(np.sqrt(np.random.default_rng([seed, 1]).chisquare(degrees, draws) / degrees))


def _frozen(array: Values) -> Values:
    array.setflags(write=False)
    return array
