"""The two-stream network and its three rivals: sizes, taps, streams and initial weights."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ib_analysis.encoders.checkpoint import load_checkpoint, save_checkpoint
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.layers.branch_scaling import branch_scales
from ib_analysis.encoders.rir import Rir
from ib_analysis.encoders.specs.rir import RirSpec

SIZES = [(1, 8, 8), (3, 32, 32), (3, 9, 13)]
ARMS = ["plain", "resnet", "resnet_init", "rir"]
SMALL = {"blocks": (2, 1, 1), "widths": (3, 4, 6), "bottleneck": 5}


def build(arm="rir", regime="classifier", size=(3, 12, 12), classes=4, **settings):
    channels, height, width = size
    image = ImageShape(channels=channels, height=height, width=width, levels=256)
    return Rir(RirSpec(**{**SMALL, **settings}, arm=arm), regime, image, classes)


def wide(**settings):
    return build(size=(3, 32, 32), classes=10, blocks=(2, 3, 3), widths=(48, 96, 192), **settings)


def images(encoder, count=4, seed=0):
    shape = encoder.image
    size = (count, shape.channels, shape.height, shape.width)
    return torch.randint(0, 256, size, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def all_taps(encoder):
    return [tap.name for tap in encoder.taps]


def parameters(encoder):
    return sum(p.numel() for p in encoder.parameters())


def weights(encoder):
    return [p.detach().clone() for p in encoder.parameters()]


def test_the_parameters_of_the_18_layer_wide_network():
    assert parameters(wide()) == 9_492_980
    assert parameters(wide(shortcut="padding")) == 9_469_940
    assert RirSpec() == RirSpec(blocks=(2, 3, 3), widths=(48, 96, 192), shortcut="projection")


def test_it_has_eighteen_layers():
    layers = [m for m in wide().modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(layers) + 1 == 18


def test_the_four_arms_have_as_many_parameters_with_padding_and_nearly_with_projections():
    assert {parameters(wide(arm=arm, shortcut="padding")) for arm in ARMS} == {9_469_940}
    projected = [parameters(wide(arm=arm)) for arm in ARMS]
    assert projected == [9_469_940, 9_562_100, 9_492_980, 9_492_980]
    assert max(projected) / min(projected) < 1.01


def test_outer_shortcut_and_absorbed_identity_cost_no_parameter():
    assert parameters(build(outer_shortcut=False)) == parameters(build())
    assert parameters(build(identity="absorbed")) == parameters(build())


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
@pytest.mark.parametrize("size", SIZES)
def test_taps_have_their_declared_names_and_shapes(size, regime, arm):
    encoder = build(arm, regime, size).eval()
    h = encoder.activations(images(encoder), all_taps(encoder))
    assert tuple(h) == encoder.spec.tap_names(regime)
    assert {n: tuple(v.shape[1:]) for n, v in h.items()} == {t.name: t.shape for t in encoder.taps}


def test_a_reconstruction_is_an_image_in_the_unit_interval():
    encoder = build(regime="autoencoder", size=(3, 9, 13)).eval()
    reconstruction = encoder(images(encoder))
    assert reconstruction.shape == (4, 3, 9, 13)
    assert 0 <= reconstruction.min() < reconstruction.max() <= 1


def test_the_streams_are_the_halves_of_their_stage():
    encoder = build().eval()
    h = encoder.activations(images(encoder), all_taps(encoder))
    for stage in ("h1", "h2", "h3"):
        assert torch.equal(torch.cat([h[f"{stage}_residual"], h[f"{stage}_transient"]], 1), h[stage])


def test_a_stream_alone_computes_no_further_than_its_stage():
    encoder = build().eval()
    encoder.trunk["h2"].register_forward_hook(lambda *_: pytest.fail("h2 was computed"))
    assert list(encoder.activations(images(encoder), ["h1_transient"])) == ["h1_transient"]
    assert list(encoder.activations(images(encoder), ["h1_transient", "h1", "stem"])) == [
        "stem",
        "h1",
        "h1_transient",
    ]


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
def test_the_network_continued_from_a_key_of_the_trunk_is_the_network(regime):
    encoder = build(regime=regime).eval()
    x, keys = images(encoder), list(encoder.trunk)
    with torch.no_grad():
        whole, taps = encoder(x), encoder.activations(x, keys)
        for i, name in enumerate(keys):
            h = taps[name]
            for later in keys[i + 1 :]:
                h = encoder.trunk[later](h)
            assert torch.equal(h if encoder.mirror is None else encoder.mirror(h), whole)


def test_the_logits_are_an_affine_map_of_the_pooled_tap():
    encoder = build().eval()
    conv, norm = encoder.trunk["logits"][0]
    norm.running_mean.fill_(0.3)
    norm.running_var.fill_(2.0)
    h = encoder.activations(images(encoder), ["pooled", "logits"])
    maps = (h["pooled"] @ conv.weight[:, :, 0, 0].T - 0.3) / (2.0 + norm.eps) ** 0.5
    assert torch.allclose(maps, h["logits"], atol=1e-5)


@pytest.mark.parametrize("shortcut", ["projection", "padding"])
@pytest.mark.parametrize("arm", ["resnet_init", "rir"])
def test_explicit_and_absorbed_identity_agree_at_initialization(arm, shortcut):
    explicit, absorbed = (build(arm, shortcut=shortcut, identity=i) for i in ("explicit", "absorbed"))
    for encoder in (explicit, absorbed):
        encoder.initialise(torch.Generator().manual_seed(3))
        encoder.double()
    x = images(explicit)
    a, b = (encoder.train().activations(x, all_taps(encoder)) for encoder in (explicit, absorbed))
    for tap in a:
        assert torch.allclose(a[tap], b[tap], atol=1e-4), tap  # W + 1 was rounded to float32
    assert not torch.equal(explicit.blocks[0].first.conv.weight, absorbed.blocks[0].first.conv.weight)


def test_weight_decay_acts_on_an_absorbed_identity_alone():
    """Half of the weights kept: the explicit identity still carries x whole, the absorbed one half of it."""
    explicit, absorbed = (
        build("resnet_init", shortcut="padding", identity=i) for i in ("explicit", "absorbed")
    )
    layers = [encoder.blocks[0].first for encoder in (explicit, absorbed)]
    x = torch.randn(2, 6, 5, 5, generator=torch.Generator().manual_seed(0))
    before = [layers[0].conv(x)[:, :3] + x[:, :3], layers[1].conv(x)[:, :3]]
    for layer in layers:
        layer.conv.weight.data *= 0.5
    after = [layers[0].conv(x)[:, :3] + x[:, :3], layers[1].conv(x)[:, :3]]
    assert torch.allclose(before[0], before[1], atol=1e-5)
    assert torch.allclose(after[0] - after[1], x[:, :3] / 2, atol=1e-5)


def test_with_padding_all_arms_start_from_the_same_weights():
    first, *others = [weights(build(arm, shortcut="padding")) for arm in ARMS]
    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    outputs = [build(arm, shortcut="padding").train()(images(build())) for arm in ARMS]
    assert all(not torch.allclose(a, b) for i, a in enumerate(outputs) for b in outputs[:i])


@pytest.mark.parametrize("arm", ["resnet", "resnet_init", "rir"])
def test_every_block_has_the_scale_of_its_place_in_the_network(arm):
    scales = [block.second.scale for block in build(arm, scaling="decreasing").blocks]
    assert scales == list(branch_scales("decreasing", 4))
    assert [block.first.scale for block in build(arm, scaling="uniform").blocks] == [0.5] * 4


def test_rir_without_outer_shortcut_is_resnet_init():
    one, other = build("rir", outer_shortcut=False), build("resnet_init")
    x = images(one)
    assert torch.equal(one.train()(x), other.train()(x))


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
@pytest.mark.parametrize("arm", ARMS)
def test_a_gradient_reaches_every_parameter(regime, arm):
    encoder = build(arm, regime).train()
    output = encoder(images(encoder, count=8))
    (output * torch.randn(output.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_checkpoint_round_trips(tmp_path):
    encoder = build(identity="absorbed").eval()
    save_checkpoint(encoder, tmp_path / "rir.safetensors", epoch=2, seed=1)
    loaded = load_checkpoint(tmp_path / "rir.safetensors").encoder
    x = images(encoder)
    h, again = (e.activations(x, all_taps(encoder)) for e in (encoder, loaded))
    assert loaded.spec == encoder.spec
    assert all(torch.equal(h[tap], again[tap]) for tap in h)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"blocks": (1, 1), "widths": (8,)}, "one width for each stage"),
        ({"blocks": (1, 0), "widths": (8, 8)}, "at least 1"),
        ({"blocks": (1, 1), "widths": (8, 4)}, "widths must not decrease"),
        ({"arm": "resnet", "identity": "absorbed"}, "choose arm resnet_init or rir"),
        ({"arm": "plain", "outer_shortcut": False}, "applies to arm rir only, not to plain"),
        ({"arm": "plain", "scaling": "uniform"}, "arm plain has none"),
    ],
)
def test_contradictory_settings_are_refused(settings, sentence):
    with pytest.raises(ValidationError, match=sentence):
        RirSpec(**settings)
