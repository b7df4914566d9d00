"""Maps that carry h: any resolution, positions inside a coarse cell, standardisation."""

import pytest
import torch

from decoders.pixelcnn_pp.context import ContextMaps

SHAPES = [(5,), (4, 1, 1), (4, 2, 2), (4, 3, 5), (4, 8, 8), (4, 10, 10), (4, 16, 16), (4, 40, 40)]


def maps_of(shape, image=(10, 10), layers=1):
    torch.manual_seed(0)
    padded = (-(-image[0] // 4) * 4, -(-image[1] // 4) * 4)
    return ContextMaps(shape, image, padded, filters=6, layers=layers, dropout=0.5).double().eval()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layers", [0, 2])
def test_any_resolution_becomes_one_map_a_scale(shape, layers):
    h = torch.randn(3, *shape, dtype=torch.float64)
    maps = maps_of(shape, layers=layers)(h)
    assert [tuple(s.shape) for s in maps] == [(3, 6, 12, 12), (3, 6, 6, 6), (3, 6, 3, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_parameter_shapes_the_maps(shape):
    context = maps_of(shape)
    weights = [torch.randn_like(s) for s in context(torch.randn(3, *shape, dtype=torch.float64))]
    loss = sum((s * w).sum() for s, w in zip(context(torch.randn(3, *shape, dtype=torch.float64)), weights))
    loss.backward()
    assert all(p.grad.abs().sum() > 0 for p in context.parameters())


def test_pixels_of_one_coarse_cell_are_told_apart():
    context = maps_of((4, 2, 2), (8, 8))
    finest = context(torch.randn(1, 4, 2, 2, dtype=torch.float64))[0][0]
    cell = finest[:, :4, :4].flatten(1).T
    assert torch.pdist(cell).min() > 1e-3


def test_positions_of_a_vector_are_told_apart():
    finest = maps_of((5,), (8, 8))(torch.randn(1, 5, dtype=torch.float64))[0][0]
    assert torch.pdist(finest.flatten(1).T).min() > 1e-3


def test_full_resolution_context_is_local_before_the_layers_that_mix():
    context = maps_of((4, 8, 8), (8, 8), layers=0)
    h = torch.randn(1, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(context(h)[0][0, :, 2, 5].sum(), h)
    assert gradient[0].abs().sum(0).nonzero().tolist() == [[2, 5]]


@pytest.mark.parametrize(
    ("shape", "positions"), [((4, 8, 8), 64), ((4, 2, 3), 9), ((4, 32, 32), None), ((5,), None)]
)
def test_small_maps_alone_mix_positions(shape, positions):
    mixing = maps_of(
        shape, (32, 32) if shape[-1] == 32 else (10, 10) if shape[-1] < 8 else (8, 8)
    ).mix_positions
    assert (None if mixing is None else len(mixing.weight)) == positions


def test_mixing_can_move_every_position():
    """With M = P - 1 the map is that of the permuted h."""
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    context = maps_of((4, 8, 8), (8, 8))
    h = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    usual = context(h)
    moved = torch.empty_like(h.flatten(2))
    moved[:, :, order] = h.flatten(2)
    permutation = torch.zeros(64, 64, dtype=torch.float64)
    permutation[order, torch.arange(64)] = 1
    with torch.no_grad():
        context.mix_positions.weight.copy_(permutation - torch.eye(64))
    assert all(torch.allclose(a, b) for a, b in zip(context(moved.view_as(h)), usual))


def test_half_precision_h_is_accepted():
    context = maps_of((5,), (8, 8)).float()
    context.standardise.measure(torch.randn(8, 5).half())
    assert context(torch.randn(2, 5).half())[0].dtype == torch.float32


def test_maps_are_dropped_in_training_only():
    context = maps_of((5,), (8, 8))
    h = torch.randn(4, 5, dtype=torch.float64)
    assert torch.equal(context(h)[0], context(h)[0])
    dropped = context.train()(h)[0]
    assert (dropped == 0).double().mean().item() == pytest.approx(0.5, abs=0.1)
