"""The gated layer against its formula."""

import math

import pytest
import torch
from torch.nn import functional as F

from decoders.pixelcnn_pp.causal_convolution import DownRightShifted, DownShifted, Margin
from decoders.pixelcnn_pp.gated_resnet import CHANCES, GatedResnet, concat_elu, keep_mask


def literal_concat_elu(x):
    return torch.cat((F.elu(x), F.elu(-x)), 1)


def literal_layer(layer, x, skips, s):
    """x + a sigmoid(b), operation by operation."""

    def conv(convolution, x):
        return F.conv2d(convolution.pad(x), convolution.weight(), convolution.bias)

    c = conv(layer.first, literal_concat_elu(x))
    if skips:
        c = c + conv(layer.skip, torch.cat([literal_concat_elu(skip) for skip in skips], 1))
    c = conv(layer.second, literal_concat_elu(c))
    if s is not None:
        c = c + F.conv2d(s, layer.context)
    a, b = c.chunk(2, 1)
    return x + a * torch.sigmoid(b)


@pytest.mark.parametrize("kind", [DownShifted, DownRightShifted])
@pytest.mark.parametrize("skips", [0, 1, 2])
@pytest.mark.parametrize("context_filters", [0, 3])
def test_layer_equals_its_formula_and_so_do_its_gradients(kind, skips, context_filters):
    torch.manual_seed(0)
    layer = GatedResnet(4, kind, skips, 0.5, context_filters).double().eval()
    if layer.context is not None:
        torch.nn.init.normal_(layer.context)
    maps = [torch.randn(2, 4, 5, 6, dtype=torch.float64, requires_grad=True) for _ in range(1 + skips)]
    s = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True) if context_filters else None
    inputs = [*maps, *layer.parameters(), *([s] if s is not None else [])]
    y, expected = layer(maps[0], tuple(maps[1:]), s), literal_layer(layer, maps[0], maps[1:], s)
    assert torch.allclose(y, expected, atol=1e-12)
    weight = torch.randn_like(y)
    ours = torch.autograd.grad((y * weight).sum(), inputs)
    theirs = torch.autograd.grad((expected * weight).sum(), inputs)
    assert all(torch.allclose(a, b, atol=1e-10) for a, b in zip(ours, theirs))


MARGINS = [Margin(), Margin(left=1, right=1, above=1), Margin(1, 1, 1, 1)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("count", [1, 2])
def test_concat_elu_and_its_gradient_are_those_of_the_formula(dtype, margin, count):
    """At zero too, at tiny values and far out; fused in float32."""
    torch.manual_seed(0)
    special = torch.tensor([0.0, -0.0, 1e-7, -1e-7, 30.0, -30.0, 200.0, -200.0], dtype=dtype)
    maps = [torch.cat((special, torch.randn(112, dtype=dtype))).view(2, 3, 4, 5) for _ in range(count)]
    maps = [m.requires_grad_() for m in maps]
    y = concat_elu(tuple(maps), margin)
    expected = F.pad(torch.cat([literal_concat_elu(m) for m in maps], 1), margin)
    assert y.dtype == dtype
    assert torch.allclose(y, expected, rtol=1e-6, atol=2e-7 if dtype == torch.float32 else 1e-15)
    weight = torch.randn_like(y)
    ours = torch.autograd.grad((y * weight).sum(), maps)
    theirs = torch.autograd.grad((expected * weight).sum(), maps)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs))


def test_gradient_goes_through_what_dropout_kept():
    torch.manual_seed(0)
    x = torch.randn(4, 3, 8, 8).requires_grad_()
    margin = Margin(left=1, above=1)
    y = concat_elu((x,), margin, dropout=0.25)
    expected = F.pad(literal_concat_elu(x), margin) * (y != 0) / 0.75
    assert torch.allclose(y, expected, atol=1e-6)
    weight = torch.randn_like(y)
    (ours,) = torch.autograd.grad((y * weight).sum(), x)
    (theirs,) = torch.autograd.grad((expected * weight).sum(), x)
    assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("chances", [1, 13, 64, 127])
def test_mask_keeps_each_element_with_its_probability(chances):
    torch.manual_seed(0)
    mask = keep_mask(torch.Size((1000, 1003)), chances)
    assert set(mask.unique().tolist()) == {-1, 0}
    p, n = chances / CHANCES, mask.numel()
    share = -mask.double().mean().item()
    assert abs(share - p) < 4.5 * math.sqrt(p * (1 - p) / n)
    neighbours = (mask[:, 1:] * mask[:, :-1]).double().mean().item()
    assert abs(neighbours - p * p) < 6 * math.sqrt(p * p / n)


def test_mask_is_repeated_by_the_seed():
    masks = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        masks.append(keep_mask(torch.Size((999,)), 64))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_dropout_zeroes_single_elements_and_keeps_the_mean():
    torch.manual_seed(0)
    layer = GatedResnet(2, DownShifted, 0, 0.25, 0)
    kept = []
    layer.second.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    x = torch.full((64, 2, 16, 16), 1.0)
    layer.train()(x)
    layer.eval()(x)
    inner = [k[:, :, 1:, 1:-1] for k in kept]
    ratio = inner[0] / inner[1]
    assert ((ratio == 0) | torch.isclose(ratio, torch.tensor(1 / 0.75))).all()
    assert (ratio == 0).double().mean().item() == pytest.approx(0.25, abs=0.01)
    assert 0 < (ratio[0, 0] == 0).double().mean().item() < 1  # elements, not whole channels


def test_without_dropout_training_and_evaluation_agree():
    layer = GatedResnet(3, DownRightShifted, 0, 0.0, 0)
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(layer.train()(x), layer.eval()(x))
