"""The theory's network against its formula, and linear networks on samples with the same second moments."""

import pytest
import torch

from ib_analysis.errors import UserError
from ib_analysis.studies.shortcut_depth.units import (
    HalfSquaredError,
    Samples,
    UnitNetwork,
    convolution,
    dense,
    same_second_moments,
)


def draws(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_linear_network_is_the_product_of_its_units():
    network, w = UnitNetwork(dense(3), 4, 2, "identity"), draws(36)
    W = w.view(4, 3, 3)
    eye = torch.eye(3, dtype=torch.float64)
    product = (eye + W[3] @ W[2]) @ (eye + W[1] @ W[0])
    x, y = draws(7, 3, seed=1), draws(7, 3, seed=2)
    literal = sum(float((y[i] - product @ x[i]) @ (y[i] - product @ x[i])) for i in range(7)) / 14
    assert network.loss(w, Samples(x, y)).item() == pytest.approx(literal)
    assert HalfSquaredError()(x @ product.T, y).item() == pytest.approx(literal)


def test_without_shortcuts_the_first_layer_reads_the_input_itself():
    network = UnitNetwork(dense(2), 2, "none", "relu")
    W, x = network.weights.view(2, 2, 2), draws(5, 2)
    torch.testing.assert_close(network(x), torch.relu(x @ W[0].T) @ W[1].T)


@pytest.mark.parametrize("shortcut", ["none", 1, 2, 3])
def test_the_weights_are_one_vector(shortcut):
    network, w = UnitNetwork(dense(3), 6, shortcut, "tanh"), draws(54) / 5
    samples = Samples(draws(4, 3), draws(4, 3))
    before = network.weights
    loss = network.loss(w, samples)
    assert torch.equal(network.weights, before)
    torch.nn.utils.vector_to_parameters(w, network.units.parameters())
    torch.testing.assert_close(HalfSquaredError()(network(samples.x), samples.y), loss)


@pytest.mark.parametrize("layer", [dense(3), convolution(2)])
def test_second_moments_are_all_that_a_linear_network_sees(layer):
    size = (3,) if isinstance(layer(), torch.nn.Linear) else (2, 3, 2)
    length = torch.Size(size).numel()
    readout = draws(4, length)
    network = UnitNetwork(layer, 2, 2, "identity", readout)
    many = Samples(draws(300, *size), draws(300, 4, seed=3))
    few = same_second_moments(many)
    assert len(few.x) == length + 4
    w = torch.nn.Parameter(draws(len(network.weights), seed=4))
    losses = [network.loss(w, samples) for samples in (many, few)]
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*[torch.autograd.grad(loss, w)[0] for loss in losses])


def test_layers_must_make_whole_units():
    with pytest.raises(UserError, match="5 is not a multiple of 2"):
        UnitNetwork(dense(2), 5, 2, "identity")
