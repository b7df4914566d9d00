"""Descent against a literal twin, and its laws."""

from types import SimpleNamespace

import pytest
import torch

from ib_analysis.studies.beyond_kernels.concept import Concept
from ib_analysis.studies.beyond_kernels.learners import LEARNERS
from ib_analysis.studies.beyond_kernels.samples import Vectors
from ib_analysis.studies.beyond_kernels.training import (
    Plan,
    Setting,
    errors,
    errors_along,
    errors_of_f,
    train,
)

PLAN = Plan(epochs=4, batch_size=5, momentum=0.9)


def pairs(seed, count=15):
    g = torch.Generator().manual_seed(100 + seed)
    return Vectors(torch.randn(count, 6, generator=g), torch.randn(count, 2, generator=g))


@pytest.mark.parametrize("net", ["resnet", "net3", "net2"])
def test_descent_is_pytorchs_own_with_the_mean_loss_of_a_batch(net):
    learner = LEARNERS[net](9, 6, 2)
    setting = Setting(seed=3, learning_rate=0.05, weight_decay=0.01)
    whole = Plan(epochs=4, batch_size=15, momentum=0.9)
    found = train(learner, [setting], {3: pairs(3)}, whole, keep=(0,))
    weights = {name: w[0].clone() for name, w in found.kept[0].items()}
    free = [weights[name].requires_grad_() for name in learner.trained]
    optimiser = torch.optim.SGD(free, lr=0.05, momentum=0.9, weight_decay=0.01)
    for epoch in range(4):
        optimiser.param_groups[0]["lr"] = 0.05 if epoch < 2 else 0.005
        optimiser.zero_grad()
        ((learner.out(weights, pairs(3).x) - pairs(3).y) ** 2).sum(1).mean().div(2).backward()
        optimiser.step()
    for name in weights:
        torch.testing.assert_close(found.weights[name][0], weights[name].detach(), rtol=1e-4, atol=1e-6)


def test_a_run_does_not_depend_on_those_beside_it_not_even_on_one_that_diverges():
    learner = LEARNERS["resnet"](9, 6, 2)
    settings = [Setting(0, 0.05, 0.0), Setting(1, 1e6, 0.0), Setting(1, 0.05, 0.01)]
    data = {0: pairs(0), 1: pairs(1)}
    together = train(learner, settings, data, PLAN)
    assert not together.weights["W"][1].isfinite().all()
    for i in (0, 2):
        alone = train(learner, [settings[i]], data, PLAN)
        torch.testing.assert_close(together.weights["V"][i], alone.weights["V"][0])


def test_a_never_moves_and_the_same_seed_gives_the_same_bits():
    learner = LEARNERS["resnet"](9, 6, 2)
    settings, data = [Setting(0, 0.05, 0.0)], {0: pairs(0)}
    first, second = (train(learner, settings, data, PLAN, keep=(0, 4)) for _ in range(2))
    assert torch.equal(first.kept[0]["A"], first.kept[4]["A"])
    assert not torch.equal(first.kept[0]["W"], first.kept[4]["W"])
    assert torch.equal(first.kept[4]["W"], first.weights["W"])
    assert torch.equal(first.weights["V"], second.weights["V"])


def test_errors_are_mean_squared_norms_in_blocks_of_any_size():
    learner = LEARNERS["net2"](3, 6, 2)
    start = learner.start(torch.Generator().manual_seed(0))
    big = pairs(0, count=1201)
    found = errors(learner, {n: w[None] for n, w in start.items()}, big.x[None], big.y[None])
    literal = ((learner.out(start, big.x) - big.y) ** 2).sum(1).mean()
    assert found.tolist() == pytest.approx([literal.item()], rel=1e-5)


class Knows:
    """Outputs F exactly and `share` times alpha G, of runs that know other shares."""

    def out(self, share, x):
        concept = Concept("final", 0.3)
        return concept.first(x) + share[:, None, None] * 0.3 * concept.second(x)


def test_the_part_along_g_is_what_is_missing_of_it_in_blocks_of_any_size():
    concept = Concept("final", 0.3)
    x = concept.draw(1200, torch.Generator().manual_seed(0)).expand(3, -1, -1)
    found = errors_along(Knows(), torch.tensor([0.0, 0.9, 1.0]), x, concept(x), concept.second(x))
    assert found.tolist() == pytest.approx([1.35, 0.0135, 0.0], abs=1e-6)


def test_an_error_of_f_alone_has_no_part_along_g():
    concept = Concept("final", 0.3)
    x = concept.draw(20000, torch.Generator().manual_seed(0))[None]
    missing = concept(x) + 0.5 * concept.first(x)
    found = errors_along(Knows(), torch.tensor([1.0]), x, missing, concept.second(x))
    assert found.item() < 15 * 0.25 * 10 / 20000


def reading(net, alpha=0.3):
    """The error of F read off the first block of an untrained net, with its literal twin by least squares."""
    learner, concept = LEARNERS[net](9, 30, 15), Concept("final", alpha)
    start = learner.start(torch.Generator().manual_seed(2))
    learn, test = (concept.draw(700, torch.Generator().manual_seed(seed)) for seed in (3, 4))
    found = errors_of_f(
        learner,
        {name: weight[None] for name, weight in start.items()},
        (learn[None], concept.first(learn)[None]),
        (test[None], concept.first(test)[None]),
    )
    block, other = (
        torch.cat(
            [torch.relu(x @ start["W"][:-1] + start["W"][-1]) @ start["A"], torch.ones(700, 1)], 1
        ).double()
        for x in (learn, test)
    )
    solution = torch.linalg.lstsq(block, concept.first(learn).double(), driver="gelsd").solution
    return found, (other @ solution - concept.first(test)).square().sum(1).mean().item()


@pytest.mark.parametrize("net", ["resnet", "net2"])
def test_f_is_read_off_the_first_block_by_least_squares_in_blocks_of_any_size(net):
    found, twin = reading(net)
    assert found.tolist() == pytest.approx([twin], rel=1e-4)


def test_a_net_without_that_block_has_no_such_error():
    assert errors_of_f(LEARNERS["net3"](9, 30, 15), {}, (None, None), (None, None)) is None


def test_a_first_block_that_is_f_up_to_a_linear_map_has_no_error():
    concept = Concept("final", 0.3)
    x = concept.draw(700, torch.Generator().manual_seed(0))[None]
    mixed = torch.randn(15, 15, generator=torch.Generator().manual_seed(1))

    class Mixes:
        first_block = "out"

        def run(self, weights, x):
            return SimpleNamespace(layers={"out": concept.first(x) @ mixed + 3.0})

    assert errors_of_f(Mixes(), {}, (x, concept.first(x)), (x, concept.first(x))).item() < 1e-6
