import pytest

from decoders.spec import FitSpec
from decoders.training.schedule import learning_rate


def test_the_cosine_ends_near_zero_and_the_warm_up_is_linear():
    spec = FitSpec(steps=1000, learning_rate=1.0, warmup_steps=10)
    assert learning_rate(spec, 0) == pytest.approx(0.1)
    assert learning_rate(spec, 4) == pytest.approx(0.5, rel=1e-3)
    assert learning_rate(spec, 999) < 1e-5
    rates = [learning_rate(spec, step) for step in range(10, 1000)]
    assert rates == sorted(rates, reverse=True)
