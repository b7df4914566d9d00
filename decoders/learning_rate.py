"""The learning rate of a step."""

import math

from decoders.spec import FitSpec


def learning_rate(spec: FitSpec, step: int) -> float:
    """Learning rate of step 0, 1, ..., steps - 1.

    Cosine: r (1 + cos(pi t / T)) / 2, which reaches 0 at t = T (Loshchilov & Hutter 2017, equation 5, one
    cycle). Exponential: r d^t with d a *step* (Salimans et al. 2017, section 3). A warm-up multiplies
    either by min(1, (t + 1) / W).

    >>> learning_rate(FitSpec(steps=100, learning_rate=0.1), 50)
    0.05
    >>> learning_rate(FitSpec(steps=100, learning_rate=0.1, warmup_steps=10, schedule="exponential",
    ...                       learning_rate_decay=1.0), 4)
    0.05
    """
    warm = min(1.0, (step + 1) / spec.warmup_steps) if spec.warmup_steps else 1.0
    if spec.schedule == "exponential":
        return warm * spec.learning_rate * spec.learning_rate_decay**step
    return warm * spec.learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / spec.steps))
