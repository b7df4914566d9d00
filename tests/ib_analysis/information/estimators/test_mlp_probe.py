import math

import numpy as np
import pytest
import torch

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.critic import multilayer_perceptron
from ib_analysis.information.estimators.mlp_probe import MLPProbe, start_at_frequencies


def test_it_starts_at_the_class_frequencies():
    network = multilayer_perceptron([4, 8, 2])
    start_at_frequencies(network, np.array([0, 1, 1, 1]))
    q = torch.softmax(network(torch.randn(5, 4)), 1).detach().numpy()
    assert q == pytest.approx(np.tile([0.25, 0.75], (5, 1)), abs=1e-6)


def test_a_fit_that_had_no_time_says_so():
    y = np.arange(400) % 2
    found = MLPProbe(hidden=(8,), steps=40, batch=64).estimate(2.0 * y, y)
    assert any("still falling at step 40" in warning for warning in found.warnings)


def test_a_ring_around_a_disc():
    """The class is whether a point is far from the centre: no line tells, a small network does."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    angle, radius = rng.uniform(0, 2 * math.pi, 2000), 1.0 + y
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    found = MLPProbe(hidden=(32,), steps=300, learning_rate=1e-2).estimate(x, y)
    assert math.log(2) - 0.03 < found.value <= math.log(2)


@pytest.mark.parametrize(
    "changes", [{"steps": 0}, {"batch": 0}, {"hidden": ()}, {"hidden": (0,)}, {"patience": 0}]
)
def test_settings_that_cannot_run_are_named(changes):
    with pytest.raises(UserError, match=next(iter(changes))):
        MLPProbe(**changes)


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(UserError, match="device is 'toaster'"):
        MLPProbe(device="toaster").estimate(np.arange(300.0), np.arange(300) % 2)
