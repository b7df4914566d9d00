"""Learning rates in closed form."""

import math

import pytest
from pydantic import ValidationError

from ib_analysis.encoders.schedule import learning_rate
from ib_analysis.encoders.specs.training import TrainingSpec


@pytest.mark.parametrize("schedule", ["constant", "cosine", "steps"])
def test_warm_up_rises_linearly_into_the_schedule(schedule):
    spec = TrainingSpec(epochs=20, learning_rate=0.4, schedule=schedule, warmup_epochs=4)
    assert [learning_rate(spec, t) for t in (0, 1, 3)] == pytest.approx([0, 0.1, 0.3])
    assert learning_rate(spec, 4) == pytest.approx(0.4)


def test_cosine_falls_to_zero_through_a_half():
    spec = TrainingSpec(epochs=10, learning_rate=1.0)
    times = [0.5 * i for i in range(21)]
    rates = [learning_rate(spec, t) for t in times]
    assert rates == pytest.approx([0.5 + 0.5 * math.cos(math.pi * t / 10) for t in times])


def test_a_warm_up_longer_than_the_training_never_divides_by_zero():
    spec = TrainingSpec(epochs=2, learning_rate=1.0, warmup_epochs=2)
    assert learning_rate(spec, 2) == pytest.approx(1.0)


def test_milestones_are_shares():
    with pytest.raises(ValidationError, match="fractions of the epochs"):
        TrainingSpec(epochs=10, milestones=(5.0,))


def test_nesterov_needs_momentum():
    with pytest.raises(ValidationError, match="momentum above 0"):
        TrainingSpec(epochs=1, momentum=0, nesterov=True)
