"""Which pairs are fitted, which are held out, and which a step sees: functions of the seed alone."""

import numpy as np
from numpy.typing import NDArray

from decoders.errors import FitError

_DIVISION, _ORDER, _STEP = 0, 1, 2


def divide(count: int, holdout: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to fit and rows held out (at least two, for a standard error), by a permutation of the seed.

    Raises:
        FitError: too few pairs for that.
    """
    held = max(2, round(holdout * count))
    if count - held < 1:
        raise FitError(
            f"{count} pairs are too few to hold out {holdout:g} of them; give the decoder part more images"
        )
    order = np.random.default_rng([seed, _DIVISION]).permutation(count)
    return order[held:], np.sort(order[:held])


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """Seed of what is random inside a step (dropout); each process that shares the step draws its own."""
    words = [seed, _STEP, step] + ([rank] if rank else [])
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0])


class Batches:
    """Rows of step t: positions t B ... (t + 1) B - 1 of an endless row of permutations, one an epoch.

    A batch depends on (seed, step) alone, so that a resumed fit sees what an uninterrupted one would have
    seen. Where an epoch ends inside a batch the batch goes on in the next; no pair is left out. Rows are
    sorted within a batch, which is kind to memory-mapped files.
    """

    def __init__(self, rows: NDArray[np.int64], batch_size: int, seed: int) -> None:
        self.rows = rows
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

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            self._order = np.random.default_rng([self.seed, _ORDER, epoch]).permutation(self.rows)
            self._epoch = epoch
        return self._order
