"""Laws of the network: causal, every stored map used once, zero where nothing came before."""

import pytest
import torch

from decoders.pixelcnn_pp import fused_layers
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.gated_resnet import GatedResnet
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget


def a_context(context, batch, dtype=torch.float64, seed=3):
    if context is None:
        return None
    return torch.randn(batch, *context, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def conditional_parameters(model, x, s):
    """What each sub-pixel's conditional is made of, (C, 3 K, H, W), as a function of real levels."""
    p = model.mixture.split(model.parameters_of(x, s))
    means = model.mixture.couple(p.means, p.coefficients, model.mixture.values(x, x.dtype))
    shared = p.logits.unsqueeze(1).expand_as(means)
    return torch.stack((shared, means, p.log_scales), 2).flatten(2, 3)[0]  # (C, 3 K, H, W)


@pytest.mark.parametrize(("channels", "size"), [(1, (5, 6)), (3, (4, 5)), (2, (8, 4))])
def test_no_conditional_depends_on_its_own_or_a_later_subpixel(decoder, context, channels, size):
    """Exact zeros in the Jacobian, in double precision; and every earlier pixel is seen."""
    model = decoder(channels, size, 5, context)
    s = model(a_context(context, 1)).context
    x = 4 * torch.rand(1, channels, *size, dtype=torch.float64)
    x.requires_grad_()
    y = conditional_parameters(model, x, s)
    order = (
        torch.arange(size[0] * size[1]).view(size)[None] * channels + torch.arange(channels)[:, None, None]
    )
    for c in range(channels):
        for i in range(size[0]):
            for j in range(size[1]):
                weight = torch.randn(y.shape[1], dtype=torch.float64)
                (g,) = torch.autograd.grad((y[c, :, i, j] * weight).sum(), x, retain_graph=True)
                here = channels * (i * size[1] + j) + c
                assert torch.equal(g[0][order >= here], torch.zeros_like(g[0][order >= here]))
                earlier_pixels = order < channels * (i * size[1] + j)
                assert (g[0][earlier_pixels] != 0).all()


def test_parameters_at_paper_size():
    target = ImageTarget(channels=3, height=32, width=32, levels=256)
    with torch.device("meta"):
        model = PixelCNNPP(PixelCNNPPSpec(), target, None)
    assert sum(p.numel() for p in model.parameters()) == 53_659_080


def test_eighteen_maps_a_stream_are_stored_and_all_used(decoder):
    model = decoder(layers=5)
    assert 3 + 3 * 5 == 18
    streams, stored = model._down(model.stem(model.network_input(torch.zeros(1, 1, 8, 8))), (None,) * 3)
    assert len(stored) + 1 == 18
    model._up(streams, stored, (None,) * 3)
    assert stored == []


def test_first_maps_are_zero_where_nothing_came_before(decoder):
    model = decoder(3, (8, 8), 256)
    u, ul = model.stem(model.network_input(torch.randint(0, 256, (2, 3, 8, 8))))
    assert torch.equal(u[:, :, 0], torch.zeros_like(u[:, :, 0]))
    assert torch.equal(ul[:, :, 0, 0], torch.zeros_like(ul[:, :, 0, 0]))
    assert (ul[:, :, 0, 1] != 0).all()


def test_padding_holds_zeros_and_no_ones(decoder):
    model = decoder(1, (5, 6), 17)
    x = model.network_input(torch.full((1, 1, 5, 6), 16))
    assert x.shape == (1, 2, 8, 8)
    assert torch.equal(x[:, :, :5, :6], torch.ones(1, 2, 5, 6, dtype=torch.float64))
    assert x.sum().item() == 2 * 5 * 6


@pytest.mark.skipif(fused_layers.compiled_layers() is None, reason="there is no C compiler here")
def test_the_streams_of_a_wide_decoder_lie_channels_last(decoder, context):
    """One too wide for one operation; with h too, whatever the width of what carries it."""
    model = decoder(1, (8, 8), 17, context, torch.float32, filters=80, context_filters=5)
    seen = []
    for layer in model.modules():
        if isinstance(layer, GatedResnet) and layer.first.direction.shape[0] == 80:
            layer.register_forward_hook(lambda _, inputs, y: seen.append(fused_layers.is_channels_last(y)))
    model(a_context(context, 3, torch.float32)).log_prob(torch.randint(0, 17, (3, 1, 8, 8)))
    assert len(seen) > 10
    assert all(seen)


def test_maps_of_few_channels_never_meet_a_channels_last_convolution(decoder, monkeypatch):
    """In the gradient of those of fewer than 7 channels torch 2.13 writes beyond its buffers."""
    met = []
    original = torch.nn.functional.conv2d

    def watched(x, *rest):
        met.append((x.shape[1], fused_layers.is_channels_last(x)))
        return original(x, *rest)

    monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
    model = decoder(1, (8, 8), 17, (3, 4, 4), torch.float32, filters=16, context_filters=16)
    h = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    model(h).log_prob(torch.randint(0, 17, (2, 1, 8, 8)))
    assert not any(last for channels, last in met if channels < 16)
    assert fused_layers.compiled_layers() is None or any(last for _, last in met)
