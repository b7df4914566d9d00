import math

import numpy as np
import pytest
import torch

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.mine import MINE, RunningDonskerVaradhan


def literal(f):
    """Mean of f_ii less the log of the mean over i != j of e^f_ij."""
    n, true, independent = len(f), 0.0, 0.0
    for i in range(n):
        true += f[i, i] / n
        for j in range(n):
            if i != j:
                independent += math.exp(f[i, j]) / (n * (n - 1))
    return true - math.log(independent)


@pytest.mark.parametrize("size", [2, 7])
def test_the_estimate_literally(size):
    scores = np.random.default_rng(size).normal(size=(size, size)) * 2
    assert MINE().evaluate([scores])[0] == pytest.approx(literal(scores), abs=1e-12)


def test_a_constant_added_to_the_critic_changes_nothing():
    scores = np.random.default_rng(0).normal(size=(9, 9))
    assert MINE().evaluate([scores + 400.0]) == pytest.approx(MINE().evaluate([scores]))


def test_the_gradient_literally():
    """d/df_ii = 1 / n; d/df_ij = - e^f_ij / (n (n - 1) running mean), the running mean taken as a constant."""
    rate, running, n = 0.25, None, 5
    objective = RunningDonskerVaradhan(rate)
    for step in range(4):
        scores = torch.from_numpy(np.random.default_rng(step).normal(size=(n, n)) * 2).requires_grad_()
        objective(scores).backward()
        e = scores.detach().exp().numpy()
        mean = sum(e[i, j] for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
        running = mean if running is None else (1 - rate) * running + rate * mean
        for i in range(n):
            for j in range(n):
                expected = 1 / n if i == j else -e[i, j] / (n * (n - 1) * running)
                assert scores.grad[i, j].item() == pytest.approx(expected, rel=1e-9)


def test_with_rate_1_the_gradient_is_that_of_the_bound_itself():
    scores = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 6))).requires_grad_()
    objective = RunningDonskerVaradhan(1.0)
    objective(scores.detach() * 3)
    objective(scores).backward()
    off = torch.tensor([[i != j for j in range(6)] for i in range(6)])
    twin = scores.detach().clone().requires_grad_()
    (twin.diagonal().mean() - twin[off].exp().mean().log()).backward()
    assert torch.allclose(scores.grad, twin.grad)


def test_a_batch_that_overflows_does_not_spoil_the_running_mean():
    objective = RunningDonskerVaradhan(0.5)
    objective(torch.zeros(3, 3))
    objective(torch.full((3, 3), float("nan")))
    assert float(objective.log_running) == 0.0


def test_each_fit_has_a_running_mean_of_its_own():
    estimator = MINE()
    assert estimator.objective() is not estimator.objective()


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1])
def test_a_rate_that_is_no_share_is_named(rate):
    with pytest.raises(UserError, match="running_rate is"):
        MINE(running_rate=rate)
