"""The three-layer ResNet as an encoder: its equations, taps, fixed matrix and gradients."""

import pytest
import torch

from ib_analysis.encoders.checkpoint import load_checkpoint, save_checkpoint
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.specs.three_layer_resnet import ThreeLayerResNetSpec
from ib_analysis.encoders.three_layer_resnet import ThreeLayerResNet

REGIMES = ["classifier", "autoencoder"]
SMALL = ThreeLayerResNetSpec(width=12, code=5)


def build(regime="classifier", spec=SMALL, size=(3, 4, 6), classes=7):
    channels, height, width = size
    image = ImageShape(channels=channels, height=height, width=width, levels=256)
    return ThreeLayerResNet(spec, regime, image, classes)


def images(encoder, count=6):
    shape = encoder.image
    size = (count, shape.channels, shape.height, shape.width)
    return torch.randint(0, 256, size, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("size", [(1, 8, 8), (3, 5, 7)])
def test_taps_have_their_declared_names_and_shapes(size, regime):
    encoder = build(regime, size=size).eval()
    names = [tap.name for tap in encoder.taps]
    h = encoder.activations(images(encoder), names)
    assert tuple(h) == tuple(names) == SMALL.tap_names(regime)
    assert {name: tuple(value.shape[1:]) for name, value in h.items()} == {
        t.name: t.shape for t in encoder.taps
    }


def test_it_is_its_equations():
    encoder = build().eval()
    x = images(encoder)
    h = encoder.activations(x, ["hidden1", "out1", "hidden2", "out", "logits"])
    W, V, A = encoder.trunk["hidden1"][1], encoder.trunk["stream"].linear, encoder.trunk["out1"].weight
    out1 = torch.relu(W(encoder.normalise(x).flatten(1))) @ A.T
    torch.testing.assert_close(h["out1"], out1)
    torch.testing.assert_close(h["hidden2"], torch.relu(V(out1)))
    torch.testing.assert_close(h["out"], out1 + torch.relu(V(out1)) @ A.T)
    torch.testing.assert_close(encoder(x), h["logits"])


def test_a_is_one_matrix_that_is_not_trained_and_travels_with_the_state(tmp_path):
    encoder = build()
    names = [name for name, _ in encoder.named_parameters()]
    assert not any("read_out" in name or "out1" in name for name in names)
    encoder.initialise(torch.Generator().manual_seed(5))
    assert torch.equal(encoder.trunk["out1"].weight, encoder.trunk["out"].read_out.weight)
    save_checkpoint(encoder.eval(), tmp_path / "it.safetensors", epoch=0, seed=5)
    loaded = load_checkpoint(tmp_path / "it.safetensors").encoder
    assert torch.equal(loaded(images(encoder)), encoder(images(encoder)))


@pytest.mark.parametrize("regime", REGIMES)
def test_a_gradient_reaches_every_parameter(regime):
    encoder = build(regime, ThreeLayerResNetSpec(width=40, code=5)).train()
    output = encoder(images(encoder, 64))
    (output * torch.randn(output.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_weights_have_the_variances_of_the_paper_and_follow_from_the_generator():
    spec = ThreeLayerResNetSpec(width=1000, code=30)
    first, second = build(spec=spec), build(spec=spec)
    for encoder in (first, second):
        encoder.initialise(torch.Generator().manual_seed(3))
    assert torch.equal(first(images(first)), second(images(second)))
    W, V, A = first.trunk["hidden1"][1], first.trunk["stream"].linear, first.trunk["out1"].weight
    assert W.weight.var().item() == pytest.approx(1 / 72, rel=0.05)
    for drawn in (V.weight, A):
        assert drawn.var().item() == pytest.approx(1 / 1000, rel=0.05)
    for bias in (W.bias, V.bias):
        assert bias.var().item() == pytest.approx(1 / 1000, rel=0.25)


def test_a_reconstruction_is_an_image_in_the_unit_interval():
    encoder = build("autoencoder").eval()
    reconstruction = encoder(images(encoder))
    assert reconstruction.shape == (6, 3, 4, 6)
    assert reconstruction.min() >= 0
    assert reconstruction.max() <= 1


def test_the_branch_is_computed_no_further_than_asked():
    encoder = build().eval()
    encoder.trunk["out"].register_forward_hook(lambda *_: pytest.fail("out was computed"))
    assert list(encoder.activations(images(encoder), ["hidden2"])) == ["hidden2"]
