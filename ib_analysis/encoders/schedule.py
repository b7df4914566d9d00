"""Learning rate of a network under study against time."""

from decoders.training.schedule import scheduled_rate
from ib_analysis.encoders.specs.training import TrainingSpec


def learning_rate(spec: TrainingSpec, time: float) -> float:
    """The learning rate at a time measured in epochs, 0..spec.epochs.

    During the warm-up it rises linearly from 0. A cosine covers what follows the warm-up; milestones are shares of
    all epochs.

    >>> spec = TrainingSpec(epochs=10, learning_rate=0.1, schedule="cosine", warmup_epochs=2)
    >>> [round(learning_rate(spec, t), 3) for t in (0.5, 1, 2, 6, 10)]
    [0.025, 0.05, 0.1, 0.05, 0.0]
    >>> steps = TrainingSpec(epochs=82, learning_rate=0.1, schedule="steps", milestones=(42 / 82, 62 / 82))
    >>> [round(learning_rate(steps, t), 4) for t in (41.5, 42.5, 62.5)]
    [0.1, 0.01, 0.001]
    """
    if time < spec.warmup_epochs:
        return spec.learning_rate * time / spec.warmup_epochs
    if spec.schedule != "cosine":
        return scheduled_rate(
            spec.learning_rate, spec.schedule, time, spec.epochs, milestones=spec.milestones
        )
    share = (time - spec.warmup_epochs) / max(spec.epochs - spec.warmup_epochs, 1e-12)
    return scheduled_rate(spec.learning_rate, "cosine", min(share, 1.0), 1.0)
