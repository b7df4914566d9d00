import math

import numpy as np
import pytest
import torch

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.nwj import NWJ, nwj_of_batch
from ib_analysis.information.estimators.parts import three_parts


def literal(f):
    """Mean of f_ii less the mean over i != j of e^(f_ij - 1)."""
    n, true, independent = len(f), 0.0, 0.0
    for i in range(n):
        true += f[i, i] / n
        for j in range(n):
            if i != j:
                independent += math.exp(f[i, j] - 1.0) / (n * (n - 1))
    return true - independent


@pytest.mark.parametrize("size", [2, 7])
def test_the_bound_literally(size):
    scores = np.random.default_rng(size).normal(size=(size, size)) * 2
    assert nwj_of_batch(torch.from_numpy(scores)).item() == pytest.approx(literal(scores), abs=1e-12)
    assert NWJ().evaluate([scores])[0] == pytest.approx(literal(scores), abs=1e-12)


def test_two_blocks_are_one_mean_over_their_pairs():
    scores = np.random.default_rng(0).normal(size=(2, 5, 5))
    assert NWJ().evaluate(list(scores))[0] == pytest.approx(np.mean([literal(f) for f in scores]))


def test_a_critic_that_knows_nothing_gives_0_exactly():
    assert NWJ().evaluate([np.ones((6, 6))]) == (0.0, 0.0)


def test_a_critic_that_overflows_is_minus_infinity_in_a_look_and_a_sentence_in_the_end():
    scores = np.zeros((6, 6))
    scores[0, 1] = 1e4
    assert NWJ().evaluate([scores])[0] == -np.inf
    x = np.random.default_rng(0).normal(size=400)
    x[three_parts(400, seed=0).evaluation] *= 1e6
    with pytest.raises(UserError, match="nwj overflows on the evaluation part"):
        NWJ(critic="separable", hidden=(8, 8), batch=64, steps=100, learning_rate=3e-2).estimate(x, x)


def test_scores_beyond_float32_are_the_same_sentence():
    x = np.random.default_rng(0).normal(size=400)
    x[three_parts(400, seed=0).evaluation] *= 1e25
    with pytest.raises(UserError, match="nwj overflows on the evaluation part"):
        NWJ(critic="separable", hidden=(8, 8), batch=64, steps=100, learning_rate=3e-2).estimate(x, x)


def test_twenty_variables_every_two_of_them_correlated():
    """The dense normal pair, 10 v 10: it must find most of the 0.88 nats, where a badly scaled start finds none."""
    cov = 0.5 * np.eye(20) + 0.5
    truth = 0.5 * (2 * np.linalg.slogdet(cov[:10, :10])[1] - np.linalg.slogdet(cov)[1])
    z = np.random.default_rng(1).multivariate_normal(np.zeros(20), cov, 4000)
    found = NWJ(critic="separable", hidden=(32, 32), batch=128, steps=600).estimate(z[:, :10], z[:, 10:])
    assert 0.75 * truth < found.value < truth + 3 * found.stderr
