"""The theory's network against its formula, and linear networks on samples with the same second moments."""

import pytest
import torch

from ib_analysis.errors import UserError
from ib_analysis.studies.shortcut_depth.units import (
    Samples,
    UnitNetwork,
    convolution,
    dense,
    half_squared_error,
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
    assert half_squared_error(x @ product.T, y).item() == pytest.approx(literal)


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
    torch.testing.assert_close(half_squared_error(network(samples.x), samples.y), loss)


CPU = torch.device("cpu")


@pytest.mark.parametrize("layer", [dense(3), convolution(2, 3, 2, CPU)])
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


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 4, 4), (3, 2, 5), (2, 7, 1)])
def test_a_small_convolution_is_the_convolution(size):
    """And so are its derivatives, of many networks at once too."""
    ours, theirs = convolution(*size, CPU)(), torch.nn.Conv2d(size[0], size[0], 3, padding=1, bias=False)
    assert type(ours) is not torch.nn.Conv2d
    x = draws(5, *size, seed=1)
    weights = draws(4, *theirs.weight.shape)

    def value(layer, w):
        return torch.func.functional_call(layer, {"weight": w}, (x,)).tanh().square().sum()

    gradients = torch.func.grad_and_value(value, argnums=1)
    found = [torch.func.vmap(lambda w, of=layer: gradients(of, w))(weights) for layer in (ours, theirs)]
    torch.testing.assert_close(*found)
    hessians = [torch.func.hessian(value, argnums=1)(layer, weights[0]) for layer in (ours, theirs)]
    torch.testing.assert_close(*hessians)


@pytest.mark.parametrize(("size", "device"), [((2, 8, 8), "cpu"), ((2, 4, 4), "meta")])
def test_a_convolution_of_larger_maps_or_elsewhere_is_that_of_torch(size, device):
    assert type(convolution(*size, torch.device(device))()) is torch.nn.Conv2d
