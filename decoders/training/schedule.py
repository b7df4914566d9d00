"""Learning rate against time."""

import math
from collections.abc import Sequence
from typing import Literal

from decoders.spec import FitSpec

Shape = Literal["constant", "cosine", "exponential", "steps"]


def scheduled_rate(
    peak: float,
    shape: Shape,
    done: float,
    whole: float,
    *,
    decay: float = 1.0,
    milestones: Sequence[float] = (),
) -> float:
    """Learning rate after `done` of `whole` steps or epochs, without warm-up.

    Args:
        peak: r, the largest learning rate.
        shape: constant: r. cosine: r (1 + cos(pi t / T)) / 2 (Loshchilov & Hutter 2017, equation 5, one cycle).
            exponential: r decay^t (Salimans et al. 2017, section 3). steps: a tenth of the rate after each milestone.
        done: t.
        whole: T.
        decay: factor a unit of time (exponential only).
        milestones: shares of T (steps only).

    >>> scheduled_rate(0.1, "cosine", 50, 100), scheduled_rate(0.1, "exponential", 2, 100, decay=0.5)
    (0.05, 0.025)
    >>> [round(scheduled_rate(1.0, "steps", t, 10, milestones=(0.5, 0.75)), 2) for t in (4, 5, 8)]
    [1.0, 0.1, 0.01]
    """
    if shape == "exponential":
        return peak * decay**done
    if shape == "steps":
        return peak * 0.1 ** sum(done >= share * whole for share in milestones)
    if shape == "cosine":
        return peak * 0.5 * (1.0 + math.cos(math.pi * done / whole))
    return peak


def learning_rate(spec: FitSpec, step: int) -> float:
    """Learning rate of step 0, 1, ..., steps - 1; a warm-up multiplies the schedule by min(1, (t + 1) / W).

    >>> learning_rate(FitSpec(steps=100, learning_rate=0.1), 50)
    0.05
    >>> learning_rate(FitSpec(steps=100, learning_rate=0.1, warmup_steps=10, schedule="exponential",
    ...                       learning_rate_decay=1.0), 4)
    0.05
    """
    warm = min(1.0, (step + 1) / spec.warmup_steps) if spec.warmup_steps else 1.0
    return scheduled_rate(
        warm * spec.learning_rate, spec.schedule, step, spec.steps, decay=spec.learning_rate_decay
    )
