"""Whether a fit came near its plateau: what the last quarter of its steps still brought."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LATE = 0.75
TOLERANCE = 0.005


@dataclass(frozen=True)
class LateGain:
    """Held-out improvement in the last quarter of the steps, in nats per example, with its paired error.

    `nats` is the best held-out cross-entropy of the first three quarters less the best of the whole fit
    (never negative); `stderr_nats` is the standard error of the mean over held-out examples of that
    difference.
    """

    nats: float
    stderr_nats: float
    best_nats: float

    @property
    def near_plateau(self) -> bool:
        """The gain lies below 2 standard errors, or below 0.5 % of the cross-entropy.

        What it says: by diminishing returns, a third more steps would bring no more than the last quarter
        did. Under a cosine schedule the end of the curve is flat because the rate goes to 0, so flatness
        *at* the end would say nothing; therefore the comparison starts at three quarters of the steps,
        where the rate is still 15 % of its peak. What falls from there on is learning plus annealing, and a
        longer budget would have been annealed as well: the late gain overstates what more steps bring, and
        the rule errs on the side of "not at the plateau". It does not say that a larger decoder would not
        do better. A fit that no longer improves on held-out examples because it overfits counts as being at
        its plateau: its best weights are kept. A fit with no look between the first and the last quarter of
        its steps is judged by step 0, hence is not near its plateau unless it has learned nothing.
        """
        return self.nats <= max(2.0 * self.stderr_nats, TOLERANCE * abs(self.best_nats))


def late_gain(steps: Sequence[int], nats: NDArray[np.floating]) -> LateGain:
    """The improvement of the last quarter, from the held-out nats of every look.

    Args:
        steps: the steps at which the held-out examples were looked at, increasing from 0.
        nats: shape (looks, examples), in nats per example.

    >>> late_gain([0, 50, 100], np.array([[9.0, 9.0], [5.0, 5.0], [4.0, 4.0]])).nats
    1.0
    """
    means = nats.mean(axis=1, dtype=np.float64)
    early = np.asarray(steps) <= LATE * steps[-1]
    reference = int(np.argmin(np.where(early, means, np.inf)))
    best = int(np.argmin(means))
    differences = nats[reference].astype(np.float64) - nats[best].astype(np.float64)
    stderr = float(differences.std(ddof=1) / np.sqrt(len(differences)))
    return LateGain(float(differences.mean()), stderr, float(means[best]))
