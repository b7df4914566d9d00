"""The improvement in the last quarter of the steps of a fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LATE = 0.75


@dataclass(frozen=True)
class LateGain:
    """Held-out improvement in the last quarter of the steps, in nats per example, with its paired standard error.

    By diminishing returns, a third more steps would bring no more than the last quarter did. The comparison starts at
    three quarters of the steps, where a cosine schedule is still at 15 % of its peak: the end of the curve is flat
    because the rate goes to 0. The gain from there on contains annealing, which a longer budget would contain too. The
    late gain therefore overstates the effect of more steps.

    It makes no statement about larger decoders. A fit that overfits has none, because its best weights are kept. A fit
    without a validation step in its first three quarters is compared with step 0.

    Attributes:
        nats: best held-out cross-entropy of the first three quarters minus the best of the whole fit; never negative.
        stderr_nats: standard error of that difference over held-out examples.
    """

    nats: float
    stderr_nats: float


def late_gain(steps: Sequence[int], nats: NDArray[np.floating]) -> LateGain:
    """Improvement of the last quarter, from the held-out nats of every validation step.

    Args:
        steps: gradient steps before each validation step, increasing from 0.
        nats: (validation steps, examples), in nats.

    >>> late_gain([0, 50, 100], np.array([[9.0, 9.0], [5.0, 5.0], [4.0, 4.0]])).nats
    1.0
    """
    means = nats.mean(axis=1, dtype=np.float64)
    early = np.asarray(steps) <= LATE * steps[-1]
    reference = int(np.argmin(np.where(early, means, np.inf)))
    best = int(np.argmin(means))
    differences = nats[reference].astype(np.float64) - nats[best].astype(np.float64)
    stderr = float(differences.std(ddof=1) / np.sqrt(len(differences)))
    return LateGain(float(differences.mean()), stderr)
