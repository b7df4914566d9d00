import math

import numpy as np
import pytest

from ib_analysis.datasets.discretized_logistic import entropy_nats, probabilities, sample
from ib_analysis.units import bits


@pytest.mark.parametrize(
    ("mean", "scale", "expected_bits"),
    [(127.5, 5, 5.20812), (127.5, 20, 7.18726), (60, 10, 6.19513), (127.5, 1e9, 1.0)],
)
def test_reference_entropies(mean, scale, expected_bits):
    # the last: a huge scale leaves all mass in the two end levels, half in each
    assert bits(entropy_nats(probabilities(mean, scale, 256)).item()) == pytest.approx(
        expected_bits, abs=6e-6
    )


@pytest.mark.parametrize("levels", [2, 3, 17, 256])
@pytest.mark.parametrize("scale", [0.05, 1.0, 40.0])
def test_probabilities_are_literal_differences_of_the_logistic_function(levels, scale):
    means = np.array([-3.0, 0.0, (levels - 1) / 2, levels + 2.0])
    p = probabilities(means, scale, levels)

    def logistic(z):
        return 0.5 * (1 + math.tanh(z / 2))

    for mean, row in zip(means, p):
        for k in range(levels):
            high = 1.0 if k == levels - 1 else logistic((k + 0.5 - mean) / scale)
            low = 0.0 if k == 0 else logistic((k - 0.5 - mean) / scale)
            assert row[k] == pytest.approx(high - low, abs=1e-14)
    np.testing.assert_allclose(p.sum(-1), 1, atol=1e-12)


def test_both_tails_keep_their_precision():
    p = probabilities(127.5, 2.0, 256)
    np.testing.assert_allclose(p, p[::-1], rtol=1e-9)
    assert 0 < p[-1] < 1e-27


@pytest.mark.parametrize(
    ("mean", "scale", "levels"), [(127.5, 5, 256), (60, 10, 256), (3, 4, 9), (0.2, 0.7, 2)]
)
def test_samples_follow_the_probabilities(mean, scale, levels):
    p = probabilities(mean, scale, levels)
    n = 200_000
    counts = np.bincount(sample(np.full(n, mean), scale, levels, np.random.default_rng(0)), minlength=levels)
    common = n * p > 25
    deviation = (counts - n * p)[common] / np.sqrt(n * p * (1 - p))[common]
    assert np.abs(deviation).max() < 4.5
    rare = p[~common].sum()
    assert abs(counts[~common].sum() - n * rare) <= 4.5 * math.sqrt(n * rare) + 1e-9
