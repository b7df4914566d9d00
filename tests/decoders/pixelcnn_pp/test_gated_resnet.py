"""The gated layer against its formula."""

import pytest
import torch
from torch.nn import functional as F

from decoders.pixelcnn_pp.causal_convolution import DownRightShifted, DownShifted
from decoders.pixelcnn_pp.gated_resnet import GatedResnet


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


PRECISIONS = [
    (torch.float64, torch.contiguous_format, 1e-12, 1e-10),
    (torch.float32, torch.contiguous_format, 1e-5, 1e-4),
    (torch.float32, torch.channels_last, 1e-5, 1e-4),
]


@pytest.mark.parametrize("kind", [DownShifted, DownRightShifted])
@pytest.mark.parametrize("skips", [0, 1, 2])
@pytest.mark.parametrize("context_filters", [0, 3])
@pytest.mark.parametrize(("dtype", "memory", "near", "near_gradient"), PRECISIONS)
def test_layer_equals_its_formula_and_so_do_its_gradients(
    kind, skips, context_filters, dtype, memory, near, near_gradient
):
    torch.manual_seed(0)
    layer = GatedResnet(16, kind, skips, 0.5, context_filters).to(dtype).eval()
    if layer.context is not None:
        torch.nn.init.normal_(layer.context)

    def a_map(channels):
        return torch.randn(2, channels, 5, 6, dtype=dtype).to(memory_format=memory).requires_grad_()

    maps = [a_map(16) for _ in range(1 + skips)]
    # The context may lie the other way.
    s = a_map(3).detach().contiguous().requires_grad_() if context_filters else None
    inputs = [*maps, *layer.parameters(), *([s] if s is not None else [])]
    y, expected = layer(maps[0], tuple(maps[1:]), s), literal_layer(layer, maps[0], maps[1:], s)
    assert y.is_contiguous(memory_format=memory)
    assert torch.allclose(y, expected, atol=near)
    weight = torch.randn_like(y)
    ours = torch.autograd.grad((y * weight).sum(), inputs)
    theirs = torch.autograd.grad((expected * weight).sum(), inputs)
    assert all(torch.allclose(a, b, atol=near_gradient) for a, b in zip(ours, theirs))


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
