"""Quantized networks: which layer reads what, discrete taps, the scheme through training, checkpoints."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.checkpoint import load_checkpoint, save_checkpoint
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.layers.fake_quantization import QuantizedConv2d, QuantizedLinear
from ib_analysis.encoders.quantized import Quantized
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.quantized import QuantizedSpec
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.train import train
from ib_analysis.errors import UserError
from ib_analysis.experiment import MeasuredEncoder
from ib_analysis.provenance import stage_digest

IMAGE = ImageShape(channels=1, height=8, width=8, levels=17)
RESNET = ResNetSpec(blocks=(2, 1), widths=(4, 8), bottleneck=3)
NETWORKS = [
    RESNET.model_dump(),
    {"kind": "rir", "blocks": [1, 1], "widths": [3, 6]},
    {"kind": "three_layer_resnet", "width": 8, "code": 4},
    {"kind": "shortcut_units", "units": 2, "width": 8, "bottleneck": 4, "nonlinearity": "tanh"},
    {"kind": "shortcut_units", "units": 2, "width": 4, "bottleneck": 4, "layout": "convolutional"},
]


def build(bits=4, regime="classifier", network=RESNET, start_step=3, **settings):
    spec = QuantizedSpec(
        network=network, weight_bits=bits, activation_bits=bits, start_step=start_step, **settings
    )
    return Quantized(spec, regime, IMAGE, 4)


def images(count=16, seed=0):
    size = (count, 1, 8, 8)
    return torch.randint(0, 17, size, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def started(encoder):
    """The encoder with bounds from three batches, in evaluation mode."""
    encoder.train()
    for i in range(3):
        encoder(images(seed=i))
    assert not encoder.collecting
    return encoder.eval()


def names(encoder):
    return [tap.name for tap in encoder.taps]


def layers(encoder):
    return {
        name.removeprefix("network."): layer
        for name, layer in encoder.named_modules()
        if isinstance(layer, QuantizedConv2d | QuantizedLinear)
    }


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network["kind"])
@pytest.mark.parametrize("bits", [2, "bf16"])
def test_taps_have_their_declared_names_and_shapes(network, regime, bits):
    encoder = build(bits, regime, network).eval()
    h = encoder.activations(images(), names(encoder))
    assert tuple(h) == encoder.spec.tap_names(regime)
    assert {name: tuple(value.shape[1:]) for name, value in h.items()} == {
        t.name: t.shape for t in encoder.taps
    }


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network["kind"])
def test_every_convolution_and_linear_layer_is_quantized(regime, network):
    encoder = build(4, regime, network)
    plain = [m for m in encoder.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert plain
    assert len(plain) == len(layers(encoder))


def test_what_is_signed_and_what_has_eight_bits():
    found = layers(build(2))
    signed = {"trunk.stem.0.0", "trunk.h2.0.first.0", "trunk.h2.0.shortcut.0"}
    assert {name for name, layer in found.items() if layer.reads.signed} == signed
    ends = {"trunk.stem.0.0", "trunk.logits"}
    assert {name for name, layer in found.items() if layer.bits == 8} == ends
    assert {name for name, layer in found.items() if layer.reads.bits == 8} == ends
    assert {layer.bits for name, layer in found.items() if name not in ends} == {2}


@pytest.mark.parametrize("part", ["h1", "h2"])
def test_a_part_has_bits_of_its_own_but_not_its_ends(part):
    found = layers(build(4, end_bits=2, part_bits={part: 8}))
    for name, layer in found.items():
        bits = 2 if name in ("trunk.stem.0.0", "trunk.logits") else 8 if name.split(".")[1] == part else 4
        assert (layer.bits, layer.reads.bits) == (bits, bits), name
    assert sum(layer.bits == 8 for layer in found.values()) > 1


def test_the_code_of_an_autoencoder_is_signed_and_its_pixels_are_the_other_end():
    found = layers(build(4, "autoencoder", RESNET.model_copy(update={"bottleneck": 1})))
    assert found["mirror.expand"].reads.signed
    assert {name for name, layer in found.items() if layer.bits == 8} == {
        "trunk.stem.0.0",
        "mirror.to_pixels",
    }


@pytest.mark.parametrize("parts", [{}, {"h1": 8}, {"h2": 8}])
def test_a_quantized_tap_is_what_the_next_layers_read(parts):
    encoder = started(build(4, part_bits=parts))
    read = {}
    for name, layer in layers(encoder).items():
        layer.reads.register_forward_hook(lambda _, __, output, name=name: read.update({name: output}))
    h = encoder.activations(images(seed=9), names(encoder))
    encoder(images(seed=9))
    for reader in ("h2.0.first.0", "h2.0.shortcut.0"):
        assert torch.equal(h["h1_quantized"], read[f"trunk.{reader}"])
    assert torch.equal(h["stem_quantized"], read["trunk.h1.0.first.0"])


@pytest.mark.parametrize(("bits", "levels"), [(2, {"h1": 2, "h2": 4}), (4, {"h1": 8, "h2": 16})])
def test_quantized_taps_are_discrete_in_each_channel(bits, levels):
    encoder = started(build(bits)).train()
    x = torch.cat([images(seed=i) for i in range(3)])
    h = encoder.activations(x, ["h1_quantized", "h2_quantized"])
    for tap, most in levels.items():
        values = h[f"{tap}_quantized"].transpose(0, 1).flatten(1)
        steps = values / encoder.at_taps[tap].bound[:, None] * (most if tap == "h2" else most - 1)
        assert (steps - steps.round()).abs().max() < 1e-4
        assert 0 <= steps.min() < steps.max() < most - 0.5


def test_before_there_are_bounds_nothing_but_weights_is_quantized():
    encoder = build(2).eval()
    h = encoder.activations(images(), names(encoder))
    assert torch.equal(h["h1"], h["h1_quantized"])
    weights = [layer.bits for layer in layers(encoder).values()]
    assert weights.count(2) == len(weights) - 2


def test_bf16_is_close_to_the_network_and_two_bits_are_not():
    plain = ResNet(RESNET, "classifier", IMAGE, 4).eval()
    x = images()
    with torch.no_grad():
        error = {bits: (started(build(bits)).eval()(x) - plain(x)).abs().max() for bits in ("bf16", 2)}
        same = build("bf16").eval()(x)
    assert (same - plain(x)).abs().max() < 0.02 * plain(x).abs().max()
    assert error[2] > 10 * (same - plain(x)).abs().max()


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
@pytest.mark.parametrize("bits", [2, 4, 8, "bf16"])
def test_a_gradient_reaches_every_parameter(regime, bits):
    encoder = started(build(bits, regime)).train()
    output = encoder(images(32))
    (output * torch.randn(output.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_activations_stop_at_the_last_tap_asked_for():
    encoder = build().eval()
    encoder.network.trunk["h2"].register_forward_hook(lambda *_: pytest.fail("h2 was computed"))
    assert list(encoder.activations(images(), ["h1_quantized", "stem"])) == ["stem", "h1_quantized"]
    assert encoder.activations(images(), []) == {}


def test_training_forward_passes_give_what_they_give_without_taps():
    """Collecting at the taps changes nothing that the network computes."""
    encoder = build(4, "autoencoder").train()
    twin = build(4, "autoencoder").train()
    assert torch.equal(encoder(images()), twin.network(images()))


def test_initialise_forgets_bounds_and_draws_the_weights_of_the_network():
    encoder, plain = started(build(4)), ResNet(RESNET, "classifier", IMAGE, 4)
    for network in (encoder, plain):
        network.initialise(torch.Generator().manual_seed(5))
    assert encoder.collecting
    mine = dict(encoder.network.named_parameters())
    assert mine.keys() == dict(plain.named_parameters()).keys()
    assert all(torch.equal(value, mine[name]) for name, value in plain.named_parameters())


def part():
    rng = np.random.default_rng(0)
    labels = np.arange(64) % 2
    pixels = rng.integers(0, 9, (64, 1, 8, 8))
    pixels[labels == 0, :, :4] += 8
    pixels[labels == 1, :, 4:] += 8
    return Part("encoder", pixels.astype(np.uint8), labels.astype(np.int64))


def trained(folder, encoder, epochs, until=None):
    kept = {}

    def keep(epoch, found):
        if epoch == until:
            raise InterruptedError
        kept[epoch] = {name: value.clone() for name, value in found.state_dict().items()}

    spec = TrainingSpec(epochs=4, batch_size=16, learning_rate=0.05)
    train(encoder, part(), spec, seed=0, epochs_to_keep=epochs, device="cpu", scratch=folder, keep=keep)
    return kept


def test_training_quantizes_from_the_start_step_on_and_goes_on_after_an_interruption(tmp_path):
    kept = trained(tmp_path / "whole", build(2, start_step=8), (0, 1, 2, 4))
    bound = {epoch: state["at_taps.h1.bound"] for epoch, state in kept.items()}
    assert not bound[0].any()
    assert not bound[1].any()
    assert bound[2].all()
    assert torch.equal(bound[2], bound[4])
    with pytest.raises(InterruptedError):
        trained(tmp_path / "cut", build(2, start_step=8), (1, 4), until=1)
    resumed = trained(tmp_path / "cut", build(2, start_step=8), (1, 4))
    assert all(torch.equal(value, resumed[4][name]) for name, value in kept[4].items())


@pytest.mark.parametrize("bits", [2, "bf16"])
def test_a_checkpoint_holds_bounds_and_builds_the_network_again(tmp_path, bits):
    encoder = started(build(bits))
    save_checkpoint(encoder, tmp_path / "c", epoch=1, seed=0)
    again = load_checkpoint(tmp_path / "c").encoder
    x = images(seed=3)
    expected, found = (e.activations(x, names(e)) for e in (encoder, again))
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_a_slice_names_the_code_of_the_inner_network():
    spec = QuantizedSpec(network=RESNET)
    slice_ = spec.described()
    assert slice_["spec"]["network"]["implementation"] == "ib_analysis.encoders.resnet:ResNet"
    assert QuantizedSpec(**slice_["spec"]) == spec
    other = QuantizedSpec(network=NETWORKS[1]).described()
    digests = {stage_digest("train_encoder", {"architecture": found}) for found in (slice_, other)}
    assert len(digests) == 2


@pytest.mark.parametrize("part", ["stem", "pooled", "logits"])
def test_bits_of_a_part_that_would_change_nothing_are_refused(part):
    with pytest.raises(
        UserError, match=f"part_bits: '{part}' of resnet has no layer but .* name one of h1, h2"
    ):
        build(4, part_bits={part: 8})


def test_bits_of_a_part_that_the_other_regime_has_are_no_mistake():
    """One description serves both regimes, and only the autoencoder has a code."""
    build(4, part_bits={"bottleneck": 8})
    found = layers(build(4, "autoencoder", part_bits={"bottleneck": 8}))
    assert {layer.bits for name, layer in found.items() if name.startswith("trunk.bottleneck")} == {8}


def test_mistakes_are_named():
    with pytest.raises(ValidationError, match=r"2, 4, 8 or 'bf16'"):
        QuantizedSpec(network=RESNET, weight_bits=3)
    with pytest.raises(ValidationError, match="network"):
        QuantizedSpec(network={"kind": "quantized", "network": RESNET})
    with pytest.raises(ValidationError, match="resnet has no part 'h3'; its taps are stem, h1, h2, "):
        QuantizedSpec(network=RESNET, part_bits={"h3": 8})
    study = {"regimes": {"classifier": TrainingSpec(epochs=1)}, "epochs": (0,)}
    architecture = QuantizedSpec(network=RESNET)
    with pytest.raises(ValidationError, match="no tap 'logits_quantized'"):
        MeasuredEncoder(architecture=architecture, taps=("logits_quantized",), **study)
    assert MeasuredEncoder(architecture=architecture, taps=("h1_quantized",), **study)
