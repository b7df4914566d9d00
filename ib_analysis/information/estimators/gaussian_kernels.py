"""Sums of Gaussian kernels over all pairs of rows, computed in blocks of rows."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ib_analysis.errors import UserError

# 2^22 float64 numbers are 32 MiB; a handful of such arrays lives at a time.
BLOCK_ENTRIES = 2**22
# Noise from default_rng(seed) would be the very numbers of data made from default_rng(seed): its own stream.
NOISE_STREAM = 3


def check_noise(noise: float) -> None:
    """Refuse noise that is not above 0.

    Raises:
        UserError: naming the setting.
    """
    if not (np.isfinite(noise) and noise > 0.0):
        raise UserError(f"noise is {noise}: give a standard deviation above 0, in the units of h.")


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of the rows of a matrix (rows, columns), each small enough to be held.

    >>> [part.stop for part in blocks(5, 2**21)]
    [2, 4, 5]
    """
    size = max(1, BLOCK_ENTRIES // columns)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def squared_distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """|a_i - b_j|^2, shape (rows of a, rows of b).

    By |a|^2 + |b|^2 - 2 a.b, at the cost of a matrix product. The rows should be centred: the difference of large
    numbers loses digits.

    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])).tolist()
    [[25.0]]
    """
    found = a @ b.T
    found *= -2.0
    found += np.einsum("ij,ij->i", a, a)[:, None]
    found += np.einsum("ij,ij->i", b, b)
    return np.maximum(found, 0.0, out=found)


def log_kernel_means(
    points: NDArray[np.float64],
    centres: NDArray[np.float64],
    variance: float,
    point_symbols: NDArray[np.intp] | None = None,
    centre_symbols: NDArray[np.intp] | None = None,
) -> NDArray[np.float64]:
    """log of the mean over centres j of exp(-|t_i - c_j|^2 / 2 variance), for each point i; shape (points,).

    With symbols, the mean is over the centres with the symbol of the point.

    >>> log_kernel_means(np.zeros((1, 1)), np.array([[0.0], [1e9]]), 1.0).round(4).tolist()
    [-0.6931]
    """
    found = np.empty(len(points))
    for part in blocks(len(points), len(centres)):
        logs = squared_distances(points[part], centres)
        logs /= -2.0 * variance
        counts: float | NDArray[np.intp] = float(len(centres))
        if point_symbols is not None and centre_symbols is not None:
            same = point_symbols[part, None] == centre_symbols
            counts = same.sum(1)
            logs[~same] = -np.inf
        top = logs.max(1, keepdims=True)
        logs -= top
        found[part] = top[:, 0] + np.log(np.exp(logs, out=logs).sum(1)) - np.log(counts)
    return found


def pulls(
    points: NDArray[np.float64],
    centres: NDArray[np.float64],
    variance: float,
    log_means: NDArray[np.float64],
    point_symbols: NDArray[np.intp] | None = None,
    centre_symbols: NDArray[np.intp] | None = None,
) -> NDArray[np.float64]:
    """Sum over points i of k_ij / mean_i: how much each centre j makes of the mixture, shape (centres,).

    k_ij is the kernel above, mean_i its mean from `log_kernel_means`. Over the centres the mean of the pulls is
    the number of the points. With symbols the kernel is zero between different ones.
    """
    found = np.zeros(len(centres))
    for part in blocks(len(points), len(centres)):
        logs = squared_distances(points[part], centres)
        logs /= -2.0 * variance
        logs -= log_means[part, None]
        weights = np.exp(logs, out=logs)
        if point_symbols is not None and centre_symbols is not None:
            weights *= point_symbols[part, None] == centre_symbols
        found += weights.sum(0)
    return found
