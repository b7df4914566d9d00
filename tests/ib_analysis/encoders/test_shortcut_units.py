"""Units with shortcuts of every depth: taps, gradients, initial weights, and what a unit computes."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.shortcut_units import ShortcutUnits, Unit, unit
from ib_analysis.encoders.specs.shortcut_units import ShortcutUnitsSpec

SHORTCUTS = ["none", 1, 2, 3]
REGIMES = ["classifier", "autoencoder"]
LAYOUTS = ["dense", "convolutional"]


def build(regime="classifier", size=(3, 6, 5), **settings):
    channels, height, width = size
    spec = ShortcutUnitsSpec(
        **({"units": 2, "width": 7, "bottleneck": 4, "initialization": "xavier"} | settings)
    )
    return ShortcutUnits(
        spec, regime, ImageShape(channels=channels, height=height, width=width, levels=256), 5
    )


def images(encoder, count=4, seed=0):
    shape = encoder.image
    size = (count, shape.channels, shape.height, shape.width)
    return torch.randint(0, 256, size, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_taps_have_their_declared_names_and_shapes(shortcut, regime, layout):
    encoder = build(regime, shortcut=shortcut, layout=layout).eval()
    h = encoder.activations(images(encoder), [tap.name for tap in encoder.taps])
    assert tuple(h) == encoder.spec.tap_names(regime)
    assert {name: tuple(value.shape[1:]) for name, value in h.items()} == {
        t.name: t.shape for t in encoder.taps
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(1, 8, 8), (3, 9, 13)])
def test_a_reconstruction_is_an_image_in_the_unit_interval(size, layout):
    encoder = build("autoencoder", size, layout=layout).eval()
    reconstruction = encoder(images(encoder))
    assert reconstruction.shape == (4, *size)
    assert 0 <= reconstruction.min() <= reconstruction.max() <= 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_a_gradient_reaches_every_parameter(shortcut, regime, layout):
    encoder = build(regime, shortcut=shortcut, layout=layout, nonlinearity="tanh").train()
    output = encoder(images(encoder, count=8))
    (output * torch.randn(output.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_tap_is_named_after_the_layers_before_it():
    last = {build(shortcut=s, units=6 // (1 if s == "none" else s)).taps[-2].name for s in SHORTCUTS}
    assert last == {"layer6"}


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_as_many_layers_as_the_spec_says(shortcut):
    encoder = build(shortcut=shortcut, units=6)
    layers = [m for u in encoder.modules() if isinstance(u, Unit) for m in u.layers]
    assert len(layers) == encoder.spec.layers == 6 * (1 if shortcut == "none" else shortcut)


def with_weights(layer, h):
    return h @ layer.weight.T + layer.bias


def test_a_unit_is_its_formula():
    torch.manual_seed(0)
    x = torch.randn(5, 4, dtype=torch.float64)
    for count in (1, 2, 3):
        found = unit(lambda: nn.Linear(4, 4), count, "tanh").double()
        branch = with_weights(found.layers[0], torch.tanh(x) if count == 1 else x)
        for layer in found.layers[1:]:
            branch = with_weights(layer, torch.tanh(branch))
        torch.testing.assert_close(found(x), x + branch)
    raw = unit(lambda: nn.Linear(4, 4), 1, "tanh", reads_raw=True).double()
    torch.testing.assert_close(raw(x), x + with_weights(raw.layers[0], x))
    plain = unit(lambda: nn.Linear(4, 4), "none", "relu").double()
    torch.testing.assert_close(plain(x), with_weights(plain.layers[0], torch.relu(x)))


def test_small_weights_are_small_and_leave_the_stream_as_it_is():
    encoder = build(size=(1, 16, 16), units=3, width=64, initialization="near_zero", std=0.01)
    weights = torch.cat(
        [m.weight.flatten() for u in encoder.modules() if isinstance(u, Unit) for m in u.layers]
    )
    assert abs(weights.std().item() / 0.01 - 1) < 5 / (2 * len(weights)) ** 0.5
    h = encoder.activations(images(encoder), ["stem", "layer6"])
    assert (h["layer6"] - h["stem"]).norm() < 0.05 * h["stem"].norm()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_orthogonal_and_xavier_weights(layout):
    orthogonal = build(layout=layout, initialization="orthogonal", units=1).trunk["layer2"].layers[0].weight
    rows = orthogonal.flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(7), atol=1e-5, rtol=0)
    xavier = build(layout=layout, initialization="xavier", width=48, units=1).trunk["layer2"].layers[0].weight
    fan = xavier[0].numel()  # as many in as out
    assert abs(xavier.var().item() * fan - 1) < 5 * (2 / xavier.numel()) ** 0.5


def test_weights_follow_from_the_generator_alone():
    first, second = build(initialization="orthogonal"), build(initialization="orthogonal")
    first.initialise(torch.Generator().manual_seed(3))
    torch.manual_seed(99)
    second.initialise(torch.Generator().manual_seed(3))
    x = images(first)
    assert torch.equal(first(x), second(x))
    second.initialise(torch.Generator().manual_seed(4))
    assert not torch.equal(first(x), second(x))


def test_a_shortcut_of_depth_four_is_refused():
    with pytest.raises(ValidationError, match="shortcut"):
        ShortcutUnitsSpec(shortcut=4)
