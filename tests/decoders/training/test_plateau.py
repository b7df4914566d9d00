import numpy as np
import pytest

from decoders.training.plateau import late_gain


def curve(steps, mean, examples=500, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    difficulty = rng.normal(0.0, 5.0, examples)
    means = np.array([mean(t / steps[-1]) for t in steps])
    return means[:, None] + difficulty + noise * rng.normal(size=(len(steps), examples))


STEPS = list(range(0, 1001, 50))


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        (
            lambda t: 100.0 + 50.0 * np.exp(-10.0 * t),
            50.0 * (np.exp(-7.5) - np.exp(-10.0)),
        ),  # settled long ago
        (lambda t: 150.0 - 50.0 * t, 12.5),  # still falling in a line
        (lambda t: 100.0 + 20.0 * (1 - t) ** 2, 1.25),  # flat only at the very end, where the rate is 0
        (lambda t: 100.0 + 40.0 * (t - 0.4) ** 2, 0.0),  # overfits since 40 %: no more steps will help
    ],
)
def test_the_gain_of_synthetic_histories(mean, expected):
    assert late_gain(STEPS, curve(STEPS, mean)).nats == pytest.approx(expected, abs=1e-9)


def test_the_gain_is_measured_pair_by_pair():
    gain = late_gain(STEPS, curve(STEPS, lambda t: 100.0 - 10.0 * t, noise=0.1))
    assert gain.nats == pytest.approx(2.5, abs=0.05)
    assert gain.stderr_nats < 0.02  # the difficulty of an example, 5 nats, cancels


def test_the_error_of_a_gain_is_that_of_paired_differences():
    nats = np.full((3, 500), 1.0)
    nats[2] += np.where(np.arange(500) % 2, 0.98, -1.02)
    gain = late_gain([0, 500, 1000], nats)
    assert (gain.nats, gain.stderr_nats) == (pytest.approx(0.02), pytest.approx(1.0 / 500**0.5, rel=0.01))


def test_the_reference_is_the_best_of_the_first_three_quarters():
    nats = np.repeat(np.array([[10.0], [4.0], [9.0], [5.0], [3.0]]), 2, axis=1)
    gain = late_gain([0, 25, 50, 75, 100], nats)
    assert gain.nats == 1.0
