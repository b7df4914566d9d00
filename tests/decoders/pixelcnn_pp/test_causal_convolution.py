"""Which inputs each convolution sees, weight norm, and the data-dependent initialization."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from decoders.pixelcnn_pp import causal_convolution
from decoders.pixelcnn_pp.causal_convolution import (
    DownRightShifted,
    DownRightShiftedTransposed,
    DownShifted,
    DownShiftedTransposed,
    Pointwise,
    initialize_from_data,
    shift_down,
    shift_right,
)


def seen(layer, output, padded=True, size=(6, 6)):
    """Input pixels that an output pixel depends on."""
    x = torch.randn(1, 2, *size, dtype=torch.float64, requires_grad=True)
    y = layer.double()(layer.pad(x) if padded else x)
    (gradient,) = torch.autograd.grad(y[0, :, output[0], output[1]].sum(), x)
    return {tuple(p) for p in gradient[0].abs().sum(0).nonzero().tolist()}, y


def test_down_shifted_sees_two_rows_and_three_columns():
    pixels, y = seen(DownShifted(2, 3), (3, 3))
    assert y.shape == (1, 3, 6, 6)
    assert pixels == {(i, j) for i in (2, 3) for j in (2, 3, 4)}


def test_down_right_shifted_sees_two_rows_and_two_columns():
    pixels, y = seen(DownRightShifted(2, 3), (3, 3))
    assert y.shape == (1, 3, 6, 6)
    assert pixels == {(i, j) for i in (2, 3) for j in (2, 3)}


@pytest.mark.parametrize(
    ("kind", "columns"), [(DownShifted, {3, 4, 5}), (DownRightShifted, {3, 4})], ids=["u", "ul"]
)
def test_strided_sees_nothing_below_or_right_of_its_first_fine_pixel(kind, columns):
    pixels, y = seen(kind(2, 3, stride=2), (1, 2))
    assert y.shape == (1, 3, 3, 3)
    assert pixels == {(i, j) for i in (1, 2) for j in columns}


def test_transposed_horizontal_gives_each_two_by_two_from_one_cell():
    for i in range(6):
        for j in range(6):
            pixels, y = seen(DownRightShiftedTransposed(2, 3), (i, j), padded=False, size=(3, 3))
            assert y.shape == (1, 3, 6, 6)
            assert pixels == {(i // 2, j // 2)}


def test_transposed_vertical_sees_one_row_only():
    for j, columns in [(2, {1}), (3, {1, 2}), (5, {2})]:
        pixels, y = seen(DownShiftedTransposed(2, 3), (3, j), padded=False, size=(3, 3))
        assert y.shape == (1, 3, 6, 6)
        assert pixels == {(1, c) for c in columns}


def test_shifts_leave_exact_zeros_and_move_the_rest():
    x = torch.arange(1.0, 10.0).view(1, 1, 3, 3)
    assert shift_down(x)[0, 0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert shift_right(x)[0, 0].tolist() == [[0, 1, 2], [0, 4, 5], [0, 7, 8]]


def test_weight_has_the_norm_of_its_gain():
    layer = DownShifted(3, 5)
    with torch.no_grad():
        layer.gain.copy_(torch.tensor([1.0, 2.0, -3.0, 0.5, 0.0]))
    assert torch.allclose(layer.weight().flatten(1).norm(dim=1), layer.gain.abs(), atol=1e-6)
    assert torch.allclose(
        layer.weight()[2] / layer.weight()[2].norm(), -layer.direction[2] / layer.direction[2].norm()
    )


def test_initialization_gives_every_output_its_scale_and_mean_zero():
    network = nn.Sequential(Pointwise(3, 8), nn.ELU(), Pointwise(8, 4))
    network[2].initial_scale = 0.1
    x = 3 + 5 * torch.randn(16, 3, 7, 7)
    with torch.no_grad():
        initialize_from_data(network, lambda: network(x))
    with torch.no_grad():
        first, last = network[0](x), network(x)
    for y, scale in [(first, 1.0), (last, 0.1)]:
        spread, mean = torch.std_mean(y, dim=(0, 2, 3), correction=0)
        assert torch.allclose(spread, torch.full_like(spread, scale), rtol=1e-4)
        assert torch.allclose(mean, torch.zeros_like(mean), atol=1e-4)


def test_initialization_is_over_when_it_ends_even_by_an_exception():
    layer = Pointwise(3, 2)

    def broken():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        initialize_from_data(layer, broken)
    before = layer.gain.clone()
    layer(torch.randn(2, 3, 4, 4))
    assert torch.equal(layer.gain, before)


def test_initialization_does_not_blow_up_a_constant():
    layer = Pointwise(3, 2)
    initialize_from_data(layer, lambda: layer(torch.ones(4, 3, 2, 2)))
    assert torch.equal(layer.gain, torch.ones(2))


@pytest.mark.parametrize("size", [(5, 24, 3, 4), (5, 24, 1, 1), (0, 24, 3, 4)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_product_of_matrices_is_the_convolution_of_a_pixel(size, layout, monkeypatch):
    layer = Pointwise(24, 9)
    with torch.no_grad():
        layer.bias.normal_()
    found = []
    for most in (causal_convolution.MOST_PRODUCTS, 0):
        monkeypatch.setattr(causal_convolution, "MOST_PRODUCTS", most)
        x = (
            torch.randn(size, generator=torch.Generator().manual_seed(0))
            .to(memory_format=layout)
            .requires_grad_()
        )
        y = layer(x)
        found.append((y, *torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])))
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert torch.allclose(found[0][0], F.conv2d(x, layer.weight(), layer.bias), rtol=1e-4, atol=1e-4)
