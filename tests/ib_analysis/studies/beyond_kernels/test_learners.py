"""The three nets against their equations and their initialisation."""

import pytest
import torch

from ib_analysis.studies.beyond_kernels.learners import LEARNERS

NETS = ["resnet", "net3", "net2"]


def drawn(net, width=7, inputs=5, outputs=3, seed=0):
    learner = LEARNERS[net](width, inputs, outputs)
    weights = learner.start(torch.Generator().manual_seed(seed))
    return learner, weights, torch.randn(4, inputs, generator=torch.Generator().manual_seed(seed + 1))


def one(rows):
    return torch.cat([rows, torch.ones(len(rows), 1)], 1)


def test_the_resnet_is_its_equations():
    learner, w, x = drawn("resnet")
    out1 = torch.relu(one(x) @ w["W"]) @ w["A"]
    out = out1 + torch.relu(one(out1) @ w["V"]) @ w["A"]
    layers = learner.run(w, x).layers
    assert list(layers) == ["hidden1", "out1", "hidden2", "out"]
    torch.testing.assert_close(layers["out1"], out1)
    torch.testing.assert_close(layers["out"], out)


def test_the_nets_without_shortcut_are_their_equations():
    for net in ("net3", "net2"):
        learner, w, x = drawn(net)
        hidden = torch.relu(one(x) @ w["W"])
        if net == "net3":
            hidden = torch.relu(one(hidden) @ w["V"])
        torch.testing.assert_close(learner.out(w, x), hidden @ w["A"])


def test_v_is_square_in_the_net_without_shortcut_alone():
    assert drawn("resnet")[1]["V"].shape == (4, 7)
    assert drawn("net3")[1]["V"].shape == (8, 7)


@pytest.mark.parametrize("net", NETS)
def test_weights_have_the_variances_of_the_page(net):
    _, w, _ = drawn(net, width=800, inputs=40, outputs=30)
    assert w["W"][:-1].var().item() == pytest.approx(1 / 40, rel=0.05)
    assert w["A"].var().item() == pytest.approx(1 / 800, rel=0.05)
    for name in set(w) - {"A"}:
        assert w[name][-1].var().item() == pytest.approx(1 / 800, rel=0.25)
    if "V" in w:
        assert w["V"][:-1].var().item() == pytest.approx(1 / 800, rel=0.05)


@pytest.mark.parametrize("net", NETS)
def test_runs_side_by_side_are_the_runs_alone(net):
    learner = LEARNERS[net](7, 5, 3)
    starts = [learner.start(torch.Generator().manual_seed(seed)) for seed in range(3)]
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(9))
    together = learner.out({name: torch.stack([s[name] for s in starts]) for name in starts[0]}, x)
    for run in range(3):
        torch.testing.assert_close(together[run], learner.out(starts[run], x[run]))
