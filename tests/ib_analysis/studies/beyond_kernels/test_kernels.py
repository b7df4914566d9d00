"""Closed forms against Monte Carlo over networks, and networks' kernels against their gradients."""

import pytest
import torch

from ib_analysis.studies.beyond_kernels.concept import Concept
from ib_analysis.studies.beyond_kernels.kernels import conjugate, polynomial, tangent
from ib_analysis.studies.beyond_kernels.learners import LEARNERS
from ib_analysis.studies.beyond_kernels.random_features import features, tangent_gram

NETS = ["resnet", "net3", "net2"]
WIDTH, OUTPUTS, DRAWS = 300, 60, 40


def vectors(count=5):
    return Concept("final", 0.3).draw(count, torch.Generator().manual_seed(0)).double()


def draws(net, kernel):
    x, learner = vectors(), LEARNERS[net](WIDTH, 30, OUTPUTS)
    starts = (learner.start(torch.Generator().manual_seed(seed)) for seed in range(DRAWS))
    return torch.stack([kernel(learner, {n: w.double() for n, w in start.items()}, x) for start in starts])


def agree(found, expected, bias):
    """Within four standard errors, and a bias that shrinks with width and outputs."""
    stderr = found.std(0) / len(found) ** 0.5
    assert (((found.mean(0) - expected).abs() - bias * expected.abs()) < 4 * stderr).all()


@pytest.mark.parametrize("net", NETS)
def test_conjugate_kernels_are_the_mean_inner_product_of_features(net):
    def gram(learner, weights, x):
        phi = features(learner, weights, x)
        return phi @ phi.T / WIDTH

    agree(draws(net, gram), conjugate(net, vectors(), vectors(), WIDTH, OUTPUTS), bias=0.01)


@pytest.mark.parametrize("net", NETS)
def test_tangent_kernels_are_the_mean_inner_product_of_gradients(net):
    found = draws(net, lambda learner, weights, x: tangent_gram(learner, weights, x, x))
    agree(found, tangent(net, vectors(), vectors(), WIDTH, OUTPUTS), bias=0.01)


@pytest.mark.parametrize("net", NETS)
def test_a_tangent_kernel_is_the_literal_inner_product_of_all_gradients(net):
    learner = LEARNERS[net](11, 30, 3)
    weights = {n: w.double() for n, w in learner.start(torch.Generator().manual_seed(1)).items()}
    x = vectors(4)
    free = [weights[name].requires_grad_() for name in learner.trained]

    def gradient(row, output):
        found = torch.autograd.grad(learner.out(weights, row[None])[0, output], free)
        return torch.cat([g.flatten() for g in found])

    literal = sum(g @ g.T for i in range(3) for g in [torch.stack([gradient(row, i) for row in x])]) / 3
    torch.testing.assert_close(tangent_gram(learner, weights, x, x), literal)


def test_the_two_layer_kernels_at_equal_and_opposite_vectors():
    """On signs E[u^2] = 1 + 1/m: K(x, x) = (1 + 1/m) / 2, Theta(x, x) = (d + 1) / 2, both smaller at -x."""
    x = vectors(1)
    both = torch.cat([x, -x])
    assert conjugate("net2", x, both, 10**9, 1)[0].tolist() == pytest.approx([0.5, 0.0], abs=1e-4)
    assert tangent("net2", x, both, 10**9, 1)[0].tolist() == pytest.approx([15.5, 0.0], abs=1e-3)


@pytest.mark.parametrize("net", NETS)
def test_kernels_are_symmetric_and_positive(net):
    x = vectors(40)
    for kernel in (conjugate, tangent):
        k = kernel(net, x, x, 200, 15)
        torch.testing.assert_close(k, k.T)
        assert torch.linalg.eigvalsh(k).min() > 0


def test_the_polynomial_kernel_is_its_monomials():
    x = vectors(6)
    pairs = (x[:, :, None] * x[:, None, :]).flatten(1)
    phi = torch.cat([torch.ones(6, 1, dtype=x.dtype), (2 / 30) ** 0.5 * x, pairs / 30], 1)
    torch.testing.assert_close(polynomial(x, x), phi @ phi.T)
