"""Random networks of finite width against the recursion, and against a network that keeps no logarithms."""

import math

import pytest
import torch

from ib_analysis.encoders.layers.branch_scaling import branch_scales
from ib_analysis.studies.stable.kernel_recursion import Variances, propagation
from ib_analysis.studies.stable.signal_propagation import GRADIENT, Network, generator, slope

HE = Variances()


def network(scheme, depth, width=48, seed=0, variances=HE, pairs=1):
    return Network(width, branch_scales(scheme, depth), variances, seed, pairs)


def literal(net, c):
    """The same network by autograd, without any logarithm."""
    start = net._inputs(c).requires_grad_()
    y = start
    for block, scale in enumerate(net.scales):
        weight, bias = net._parameters(block)
        y = y + scale * (torch.relu(y) @ weight.T + bias)
    g = torch.randn(net.width, generator=generator(net.seed, GRADIENT)).double().expand(len(start), -1)
    (back,) = torch.autograd.grad(y, start, g)
    growth = torch.log(back.square().sum(1) / g.square().sum(1)).mean().item()
    variance = torch.log(y.square().sum(1) / start.square().sum(1)).mean().item()
    pairs = range(net.pairs)
    correlations = [torch.cosine_similarity(y[i], y[net.pairs + i], dim=0).item() for i in pairs]
    return variance, growth, sum(correlations) / len(correlations)


@pytest.mark.parametrize("pairs", [1, 3])
@pytest.mark.parametrize("variances", [HE, Variances(weight=1.0, bias=0.4)])
@pytest.mark.parametrize("scheme", ["none", "uniform", "decreasing"])
def test_logarithms_change_nothing(scheme, variances, pairs):
    net = network(scheme, 12, variances=variances, pairs=pairs)
    found = net.passage(0.2)
    expected = literal(net, 0.2)
    assert (found.log_variance_growth, found.log_gradient_growth, found.correlation) == pytest.approx(
        expected
    )


@pytest.mark.parametrize("scheme", ["none", "uniform", "decreasing"])
def test_the_mean_over_networks_approaches_the_recursion(scheme):
    scales = branch_scales(scheme, 16)
    limit = propagation(0.2, scales, HE)
    found = [network(scheme, 16, width=128, seed=seed).passage(0.2) for seed in range(24)]
    for name, target in (
        ("log_variance_growth", limit.log_growth),
        ("log_gradient_growth", limit.log_growth),
        ("correlation", limit.correlation),
    ):
        values = torch.tensor([getattr(f, name) for f in found], dtype=torch.float64)
        stderr = values.std().item() / math.sqrt(len(values))
        # Finite width shifts a mean logarithm by less than 3 / 128 a block of unit scale.
        allowance = 0.02 + 3 / 128 * sum(scale**2 for scale in scales)
        assert abs(values.mean().item() - target) < 4 * stderr + allowance


def test_a_thousand_unscaled_blocks_do_not_overflow():
    found = network("none", 1100, width=16).passage(0.2)
    assert math.isfinite(found.log_variance_growth)
    assert found.log_gradient_growth > 300


def test_inputs_have_their_correlation_exactly():
    inputs = network("none", 1, pairs=2)._inputs(-0.3)
    expected = torch.eye(4, dtype=torch.float64)
    expected[0, 2] = expected[2, 0] = expected[1, 3] = expected[3, 1] = -0.3
    assert torch.allclose(inputs @ inputs.T / 48, expected)
    with pytest.raises(ValueError, match="25 pairs need a width of 50"):
        network("none", 1, pairs=25).passage(0.2)


def test_everything_follows_from_the_seed():
    assert network("uniform", 5).passage(0.2) == network("uniform", 5).passage(0.2)
    assert network("uniform", 5).passage(0.2) != network("uniform", 5, seed=1).passage(0.2)


def test_the_slope_is_that_of_least_squares():
    assert slope([16, 50, 200], [16 * 0.7 + 3, 50 * 0.7 + 3, 200 * 0.7 + 3]) == pytest.approx(0.7)
    assert slope([1, 2, 3], [1.0, 0.0, 1.0]) == pytest.approx(0)
