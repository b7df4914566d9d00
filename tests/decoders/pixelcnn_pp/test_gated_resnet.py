"""The gated layer against its formula."""

import pytest
import torch
from torch.nn import functional as F

from decoders.pixelcnn_pp.causal_convolution import DownRightShifted, DownShifted, Margin
from decoders.pixelcnn_pp.gated_resnet import GatedResnet, concat_elu


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


def test_concat_elu_has_the_gradient_of_its_formula_at_zero_and_inside_a_margin():
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], dtype=torch.float64).view(1, 1, 1, 5).requires_grad_()
    weight = torch.randn(1, 2, 2, 7, dtype=torch.float64)
    margin = Margin(left=1, right=1, above=1)
    y, expected = concat_elu((x,), margin), F.pad(literal_concat_elu(x), margin)
    assert torch.equal(y, expected)
    (ours,) = torch.autograd.grad((y * weight).sum(), x)
    (theirs,) = torch.autograd.grad((expected * weight).sum(), x)
    assert torch.allclose(ours, theirs, atol=1e-15)


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
