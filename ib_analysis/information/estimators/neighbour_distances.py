"""Nearest neighbours in the maximum norm: distance of the k-th, and number of rows within a radius."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.distinct_rows import codes
from ib_analysis.information.estimators.gaussian_kernels import blocks

JITTER = 1e-10
JITTER_STREAM = 1
# Columns up to which a tree beats all pairs, measured at 1,000 to 5,000 normal rows.
TREE_FINDS = 10
TREE_COUNTS = 3


def check_neighbours(k: int) -> None:
    """Refuse fewer than one neighbour.

    Raises:
        UserError: naming the setting.
    """
    if k < 1:
        raise UserError(f"k is {k}: give 1 neighbour or more.")


def standardised(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every column with mean 0 and standard deviation 1, so that none dominates the norm; a constant one is 0.

    >>> standardised(np.array([[1.0, 7.0], [3.0, 7.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    centred = rows - rows.mean(0)
    varies = (
        np.ptp(rows, axis=0) > 0.0
    )  # the standard deviation of a constant may be a rounding error above 0
    found: NDArray[np.float64] = np.where(varies, centred, 0.0) / np.where(varies, centred.std(0), 1.0)
    return found


def without_ties(rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Standardised rows plus noise of 1e-10 standard deviations where two rows are equal, else as they are.

    Equal rows have neighbours at distance 0, inside which nothing can be counted; Kraskov et al. (2004, section
    II.C) break such ties the same way.
    """
    if codes(rows).max() + 1 == len(rows):
        return rows
    found: NDArray[np.float64] = rows + JITTER * np.random.default_rng((seed, JITTER_STREAM)).standard_normal(
        rows.shape
    )
    return found


def ties_warning(rows: NDArray[np.float64], name: str, share: float = 0.05) -> tuple[str, ...]:
    """A warning where so many rows are equal that the rows have no density."""
    repeated = 1.0 - float(codes(rows).max() + 1) / len(rows)
    if repeated <= share:
        return ()
    return (
        f"{repeated:.0%} of the rows of {name} repeat another: nearest neighbours assume a density, the repeats are "
        "told apart by noise alone; take ross where y is a class, or counting where x and y are discrete.",
    )


def kth_distances(rows: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Distance from each row to its k-th nearest other row, shape (n,).

    >>> kth_distances(np.array([[0.0], [1.0], [3.0]]), 2).tolist()
    [3.0, 2.0, 3.0]
    """
    if rows.shape[1] <= TREE_FINDS:
        nearest: NDArray[np.float64] = cKDTree(rows).query(rows, [k + 1], p=np.inf)[0][:, 0]
        return nearest
    distances = np.empty(len(rows))
    for part in blocks(len(rows), len(rows)):
        distances[part] = np.partition(cdist(rows[part], rows, "chebyshev"), k, axis=1)[:, k]
    return distances


def counts_nearer(rows: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.intp]:
    """Number of rows nearer to each row than its radius, the row itself included, shape (n,).

    The tree and the matrix compare the same differences as `kth_distances`: the k-th neighbour stands exactly on
    the radius, and sums such as row + radius, which a search in a sorted column would need, round to either side.

    >>> counts_nearer(np.array([[0.0], [1.0], [3.0]]), np.array([3.0, 2.0, 3.5])).tolist()
    [2, 2, 3]
    """
    if rows.shape[1] <= TREE_COUNTS:
        inside = np.nextafter(radii, 0.0)
        found: NDArray[np.intp] = cKDTree(rows).query_ball_point(rows, inside, p=np.inf, return_length=True)
        return found
    counts = np.empty(len(rows), dtype=np.intp)
    for part in blocks(len(rows), len(rows)):
        counts[part] = (cdist(rows[part], rows, "chebyshev") < radii[part, None]).sum(1)
    return counts
