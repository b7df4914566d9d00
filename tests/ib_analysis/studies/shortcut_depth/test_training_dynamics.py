"""Gradient descent side by side against a literal loop, and the choice of the learning rate."""

import math
from itertools import chain, product

import pytest
import torch
from torch.func import vmap

from ib_analysis.studies.shortcut_depth import training_dynamics
from ib_analysis.studies.shortcut_depth.training_dynamics import Descent, best, descend, final_loss
from ib_analysis.studies.shortcut_depth.units import Samples, UnitNetwork, dense


def draws(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_side_by_side_is_one_by_one():
    network, samples = UnitNetwork(dense(3), 4, 2, "tanh"), Samples(draws(9, 3), draws(9, 3, seed=1))
    starts = [draws(36, seed=2) / 4, draws(36, seed=3) / 2]
    trained = descend(network, starts, samples, [0.01, 0.2], [0, 2, 5])
    assert [len(of_start) for of_start in trained] == [2, 2]
    every = zip(product(starts, [0.01, 0.2]), chain(*trained), strict=True)
    for (start, rate), found in every:
        w, losses = start.clone().requires_grad_(), []
        for _ in range(5):
            loss = network.loss(w, samples)
            losses.append(loss.item())
            w = (w - rate * torch.autograd.grad(loss, w)[0]).detach().requires_grad_()
        assert found.learning_rate == rate
        assert sorted(found.weights) == [0, 2, 5]
        assert torch.equal(found.weights[0], start)
        torch.testing.assert_close(found.weights[5], w.detach())
        assert found.losses == pytest.approx([*losses, network.loss(w, samples).item()])


def test_the_best_rate_is_that_of_the_lowest_validation_loss():
    network, samples = UnitNetwork(dense(1), 1, 1, "identity"), Samples(draws(5, 1), draws(5, 1) * 3)
    trained = [Descent(rate, {3: torch.full((1,), rate).double()}, ()) for rate in (0.5, 2.0, 9.0, math.nan)]
    chosen = best(network, trained, samples)
    assert chosen is trained[1]
    assert final_loss(network, chosen, samples) == pytest.approx(0.0)


def test_where_everything_diverged_there_is_no_best():
    network, samples = UnitNetwork(dense(2), 2, 1, "identity"), Samples(draws(5, 2), draws(5, 2, seed=1))
    (trained,) = descend(network, [draws(8)], samples, [1e3, 1e4], [60])
    assert not any(math.isfinite(one.losses[-1]) for one in trained)
    assert best(network, trained, samples) is None


def test_a_training_that_diverged_is_given_up_and_leaves_the_others_as_they_are(monkeypatch):
    network, samples = UnitNetwork(dense(2), 2, 1, "identity"), Samples(draws(5, 2), draws(5, 2, seed=1))
    at_once = []
    ((alone,),) = descend(network, [draws(8)], samples, [0.01], [30, 60])

    def noted(f):
        inner = vmap(f)
        return lambda w: at_once.append(len(w)) or inner(w)

    monkeypatch.setattr(training_dynamics, "vmap", noted)
    ((wild, tame),) = descend(network, [draws(8)], samples, [1e300, 0.01], [30, 60])
    assert torch.equal(tame.weights[60], alone.weights[60])
    assert tame.losses == alone.losses
    assert math.isfinite(wild.losses[0])
    assert math.isnan(wild.losses[-1])
    assert wild.weights[60].isnan().all()
    assert at_once == [2] * 10 + [1] * 51


def test_descent_ends_where_every_training_diverged():
    network, samples = UnitNetwork(dense(2), 2, 1, "identity"), Samples(draws(5, 2), draws(5, 2, seed=1))
    (trained,) = descend(network, [draws(8)], samples, [1e300], [60])
    assert len(trained[0].losses) == 61
    assert math.isnan(trained[0].losses[-1])
