"""Residual networks: their taps, sizes, gradients and initial scale."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.errors import UserError

SIZES = [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 9, 13)]
SMALL = ResNetSpec(blocks=(2, 1, 1), widths=(8, 16, 24), bottleneck=5)


def build(spec=SMALL, regime="classifier", size=(3, 12, 12), classes=4):
    channels, height, width = size
    return ResNet(
        spec, regime, ImageShape(channels=channels, height=height, width=width, levels=256), classes
    )


def images(encoder, count=4, seed=0):
    shape = encoder.image
    size = (count, shape.channels, shape.height, shape.width)
    return torch.randint(0, 256, size, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def all_taps(encoder):
    return [tap.name for tap in encoder.taps]


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
@pytest.mark.parametrize("norm", ["batch", "group", "none"])
@pytest.mark.parametrize("size", SIZES)
def test_taps_have_their_declared_names_and_shapes(size, norm, regime):
    spec = SMALL.model_copy(update={"norm": norm})
    encoder = build(spec, regime, size).eval()
    h = encoder.activations(images(encoder), all_taps(encoder))
    assert tuple(h) == spec.tap_names(regime)
    assert {name: tuple(value.shape[1:]) for name, value in h.items()} == {
        t.name: t.shape for t in encoder.taps
    }


@pytest.mark.parametrize("size", SIZES)
def test_a_reconstruction_is_an_image_in_the_unit_interval(size):
    encoder = build(regime="autoencoder", size=size).eval()
    reconstruction = encoder(images(encoder))
    assert reconstruction.shape == (4, *size)
    assert reconstruction.min() >= 0
    assert reconstruction.max() <= 1


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_any_number_of_stages(stages):
    spec = ResNetSpec(blocks=(1,) * stages, widths=(8,) * stages)
    encoder = build(spec, size=(1, 8, 8)).eval()
    assert all_taps(encoder) == ["stem", *(f"h{i + 1}" for i in range(stages)), "pooled", "logits"]
    assert encoder(images(encoder)).shape == (4, 4)


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
def test_the_network_continued_from_a_tap_is_the_network(regime):
    encoder = build(regime=regime).eval()
    x, names = images(encoder), all_taps(encoder)
    with torch.no_grad():
        whole, taps = encoder(x), encoder.activations(x, names)
        for i, name in enumerate(names):
            h = taps[name]
            for later in names[i + 1 :]:
                h = encoder.trunk[later](h)
            assert torch.equal(h if encoder.mirror is None else encoder.mirror(h), whole)


def test_activations_stop_at_the_last_tap_asked_for():
    encoder = build().eval()
    encoder.trunk["h3"].register_forward_hook(lambda *_: pytest.fail("h3 was computed"))
    h = encoder.activations(images(encoder), ["h2", "stem"])
    assert list(h) == ["stem", "h2"]
    assert encoder.activations(images(encoder), []) == {}


def test_a_tap_does_not_depend_on_the_others_asked_for():
    encoder = build().eval()
    x = images(encoder)
    alone = {name: encoder.activations(x, [name])[name] for name in all_taps(encoder)}
    together = encoder.activations(x, all_taps(encoder))
    assert all(torch.equal(alone[name], together[name]) for name in alone)


def test_an_unknown_tap_is_refused_by_name():
    with pytest.raises(UserError, match=r"no tap 'h9'.*stem, h1"):
        build().activations(torch.zeros(1, 3, 12, 12, dtype=torch.uint8), ["h9"])


def test_an_unknown_regime_is_refused():
    with pytest.raises(UserError, match=r"'fixed'.*classifier, autoencoder"):
        build(regime="fixed")


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_a_gradient_reaches_every_parameter(regime, norm):
    encoder = build(SMALL.model_copy(update={"norm": norm}), regime).train()
    output = encoder(images(encoder, count=8))
    (output * torch.randn(output.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_the_parameters_of_resnet_18_for_cifar():
    encoder = build(ResNetSpec(), size=(3, 32, 32), classes=10)
    assert sum(p.numel() for p in encoder.parameters()) == 11_173_962
    shapes = {tap.name: tap.shape for tap in encoder.taps}
    assert [shapes[h] for h in ("h1", "h2", "h3", "h4")] == [
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (512, 4, 4),
    ]


def test_both_regimes_have_the_same_trunk():
    classifier, autoencoder = build(), build(regime="autoencoder")
    for name in ("stem", "h1", "h2", "h3"):
        pairs = zip(classifier.trunk[name].parameters(), autoencoder.trunk[name].parameters(), strict=True)
        assert all(a.shape == b.shape for a, b in pairs)


def test_convolutions_are_drawn_with_variance_two_over_fan_in():
    encoder = build(ResNetSpec(blocks=(1, 1), widths=(64, 128)), size=(3, 8, 8))
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    for conv in convolutions:
        # The variance of n normal draws has the relative standard error sqrt(2 / n).
        variance, n = conv.weight.var().item(), conv.weight.numel()
        assert abs(variance * conv.weight[0].numel() / 2 - 1) < 5 * (2 / n) ** 0.5
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(torch.all(m.weight == 1) and torch.all(m.bias == 0) for m in norms)


def test_weights_follow_from_the_generator_alone():
    first, second, other = build(), build(), build()
    first.initialise(torch.Generator().manual_seed(3))
    torch.manual_seed(99)
    second.initialise(torch.Generator().manual_seed(3))
    other.initialise(torch.Generator().manual_seed(4))
    x = images(first)
    assert torch.equal(first.eval()(x), second.eval()(x))
    assert not torch.equal(first(x), other.eval()(x))


def test_a_group_norm_does_not_silence_a_stage_of_one_pixel():
    encoder = build(ResNetSpec(blocks=(1,) * 4, widths=(8, 8, 16, 16), norm="group"), size=(1, 8, 8)).eval()
    h = encoder.activations(images(encoder), ["h4"])["h4"]
    assert h.shape[2:] == (1, 1)
    assert h.var(dim=0).max() > 0


def test_widths_and_blocks_must_agree():
    with pytest.raises(ValidationError, match="one width for each stage"):
        ResNetSpec(blocks=(1, 1), widths=(8,))
    with pytest.raises(ValidationError, match="at least 1"):
        ResNetSpec(blocks=(1, 0), widths=(8, 8))
