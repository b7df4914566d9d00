"""Which examples are fitted, which are held out, and in which order a seed sees them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from decoders.errors import FitError

_HOLDOUT_SEED = 0
_DIVISION, _ORDER = 0, 1  # purposes of a seed; `seeds` has another


def divide(count: int, holdout: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to fit and rows to hold out, by a permutation that is the same for every fit to so many examples.

    Repeated fits hold out the same examples: on these no fit is better for having seen them, and weights of a mixture
    of all fits may be chosen there. A larger share contains a smaller one.
    At least two rows are held out, as a standard error needs.

    Raises:
        FitError: too few examples for that.
    """
    held = max(2, round(holdout * count))
    if count - held < 1:
        raise FitError(
            f"{count} pairs are too few to hold out {holdout:g} of them; give the decoder part more images"
        )
    order = np.random.default_rng([_HOLDOUT_SEED, _DIVISION]).permutation(count)
    return order[held:], np.sort(order[:held])


class Batches:
    """Rows of step t: positions t B ... (t + 1) B - 1 of an endless sequence of permutations, one an epoch.

    A batch depends on (seed, step) alone, so a resumed run sees the batches of an uninterrupted one. A batch that
    reaches the end of an epoch continues in the next; no row is left out. The rows of a batch are sorted, which makes
    reads from a memory map sequential.
    """

    def __init__(self, rows: NDArray[np.int64], batch_size: int, seed: int) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self.size = min(batch_size, len(rows))
        self.seed = seed
        self._epoch = -1
        self._order = rows

    def __getitem__(self, step: int) -> NDArray[np.int64]:
        epoch, offset = divmod(step * self.size, len(self.rows))
        first = self._permutation(epoch)[offset : offset + self.size]
        missing = self.size - len(first)
        if missing:
            first = np.concatenate([first, self._permutation(epoch + 1)[:missing]])
        return np.sort(first)

    def first_rows(self) -> NDArray[np.int64]:
        """Rows of one large batch, sorted, for data-dependent initialization: at least 256, or all there are."""
        return np.sort(self.rows[: max(256, 4 * self.batch_size)])

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            self._order = np.random.default_rng([self.seed, _ORDER, epoch]).permutation(self.rows)
            self._epoch = epoch
        return self._order


def epoch_batches(
    n: int, batch_size: int, seed: int, epoch: int, drop_last: bool = False
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows 0..n-1 in the order of one epoch, cut into batches that never cross its end.

    The permutation depends on (seed, epoch) alone, so a run that resumes at an epoch sees the batches of an
    uninterrupted one.

    >>> sorted(int(row) for batch in epoch_batches(5, 2, seed=0, epoch=3) for row in batch)
    [0, 1, 2, 3, 4]
    >>> [len(batch) for batch in epoch_batches(5, 2, seed=0, epoch=3, drop_last=True)]
    [2, 2]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size {batch_size}: must be at least 1")
    rows = np.random.default_rng([seed, epoch]).permutation(n)
    end = n - n % batch_size if drop_last else n
    for start in range(0, end, batch_size):
        yield rows[start : min(start + batch_size, end)]
