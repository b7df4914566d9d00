"""Fake quantization: levels, gradients, bounds that are collected, computed once and frozen."""

import math

import pytest
import torch
from brevitas.nn import QuantConv2d
from brevitas.quant.scaled_int import Int8WeightPerChannelFloat
from torch import nn

from ib_analysis.encoders.layers.fake_quantization import (
    ActivationQuantizer,
    QuantizedConv2d,
    QuantizedLinear,
    activation_quantizer,
    quantized_layer,
    quantized_weight,
    symmetric,
    to_bfloat16,
    unsigned,
)

ONE = torch.tensor(1.0)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def gradient(function, x):
    x = x.clone().requires_grad_()
    function(x).sum().backward()
    return x.grad


def literal_symmetric(x, bound, bits):
    """The definition, a number at a time."""
    end = 2 ** (bits - 1) - 1
    s = end / bound
    return max(-end, min(end, math.floor(x * s + 0.5))) / s


def literal_unsigned(x, bound, bits):
    s = 2**bits / bound
    return max(0, min(2**bits - 1, math.floor(x * s))) / s


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize(
    ("fast", "literal"),
    [(symmetric, literal_symmetric), (unsigned, literal_unsigned)],
    ids=["signed", "unsigned"],
)
def test_values_are_those_of_the_definition(bits, fast, literal):
    x = noise(500).double()
    found = fast(x, torch.tensor(1.3, dtype=torch.float64), bits)
    assert found.tolist() == pytest.approx([literal(value, 1.3, bits) for value in x.tolist()], abs=1e-12)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_signed_has_one_level_less_and_unsigned_all_of_them(bits):
    x = torch.linspace(-2, 2, 20_001)
    end = 2 ** (bits - 1) - 1
    assert (symmetric(x, ONE, bits).unique() * end).round().tolist() == list(range(-end, end + 1))
    assert (unsigned(x, ONE, bits).unique() * 2**bits).tolist() == list(range(2**bits))


def test_four_bits_are_fifteen_levels_from_minus_seven_to_seven():
    weight = quantized_weight(torch.cat([noise(3, 4000), -noise(3, 4000)], 1), 4)
    levels = (7 * weight / weight.abs().amax(1, keepdim=True)).round()
    assert [sorted(set(row.tolist())) for row in levels] == [list(map(float, range(-7, 8)))] * 3


def test_unsigned_floors_and_signed_rounds():
    x = torch.tensor([0.24, 0.26, 0.74, 0.76])
    assert unsigned(x, ONE, 2).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert symmetric(x, ONE, 2).tolist() == [0.0, 0.0, 1.0, 1.0]


def test_rounding_is_straight_through_and_clipping_keeps_its_gradient():
    x = torch.tensor([-1.5, -0.1, 0.0, 0.3, 0.99, 1.01, 3.0])
    assert gradient(lambda v: unsigned(v, ONE, 4), x).tolist() == [0, 0, 1, 1, 1, 0, 0]
    assert gradient(lambda v: symmetric(v, ONE, 4), x).tolist() == [0, 1, 1, 1, 1, 1, 0]
    assert gradient(to_bfloat16, x).tolist() == [1] * 7


def test_the_scale_gets_no_gradient():
    bound = torch.ones((), requires_grad=True)
    for function in (symmetric, unsigned):
        assert not torch.autograd.grad(
            function(noise(9).requires_grad_(), bound, 4).sum(), bound, allow_unused=True
        )[0]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weights_have_a_bound_for_each_output_channel_and_clip_nothing(bits):
    weight = noise(6, 3, 3, 3) * torch.logspace(-3, 3, 6).view(6, 1, 1, 1)
    found = quantized_weight(weight, bits)
    step = weight.abs().amax((1, 2, 3), keepdim=True) / (2 ** (bits - 1) - 1)
    assert ((found - weight).abs() <= 0.5001 * step).all()
    assert torch.allclose(found.abs().amax((1, 2, 3)), weight.abs().amax((1, 2, 3)))
    assert torch.equal(gradient(lambda w: quantized_weight(w, bits), weight), torch.ones_like(weight))


def test_the_bound_of_a_weight_follows_the_weight():
    weight = noise(2, 5)
    assert torch.allclose(quantized_weight(3 * weight, 4), 3 * quantized_weight(weight, 4))


def test_a_channel_of_zeros_stays_zero():
    weight = noise(2, 4)
    weight[1] = 0
    assert torch.equal(quantized_weight(weight, 2)[1], torch.zeros(4))
    assert torch.isfinite(unsigned(noise(3, 4), torch.zeros(4), 4)).all()


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("shape", [(5, 3, 3, 3), (16, 1, 1, 1), (1, 4, 5, 5)])
def test_brevitas_has_the_same_weights_where_both_define_the_quantizer(bits, shape):
    """Symmetric, narrow range, one scale an output channel from its largest absolute weight, rounding."""
    outputs, inputs, *size = shape
    theirs = QuantConv2d(
        inputs,
        outputs,
        tuple(size),
        weight_quant=Int8WeightPerChannelFloat,
        weight_bit_width=bits,
        bias=False,
    )
    theirs.weight.data = noise(*shape, seed=bits)
    found = theirs.quant_weight()
    assert torch.allclose(quantized_weight(theirs.weight, bits), found.value, atol=1e-6)
    assert found.value.unique().numel() > 1


def largest(x):
    return x.abs().amax((0, 2, 3))


def test_bounds_are_an_exponential_average_collected_once_and_frozen():
    quantizer = ActivationQuantizer(3, 4, signed=False, start_step=4).train()
    batches = [noise(8, 3, 5, 5, seed=i).relu() for i in range(6)]
    average = largest(batches[0])
    for x in batches[:4]:
        assert torch.equal(quantizer(x), x)
    for x in batches[1:4]:
        average = average + 0.1 * (largest(x) - average)
    assert torch.allclose(quantizer.bound, average)
    for x in batches[4:]:
        assert torch.equal(quantizer(x), unsigned(x, quantizer.bound.view(3, 1, 1), 4))
    assert torch.allclose(quantizer.bound, average)
    assert quantizer.batches.item() == 4


def test_a_channel_without_a_value_leaves_its_average_as_it_is():
    quantizer = ActivationQuantizer(2, 4, signed=True, start_step=9).train()
    quantizer(torch.tensor([[0.0, -2.0]]))
    assert quantizer.maximum.tolist() == [0.0, 2.0]
    quantizer(torch.tensor([[5.0, 0.0]]))
    assert quantizer.maximum.tolist() == [5.0, 2.0]


def test_evaluation_collects_nothing():
    quantizer = ActivationQuantizer(2, 4, signed=True, start_step=1).eval()
    quantizer(noise(4, 2))
    assert quantizer.collecting
    assert quantizer.maximum.tolist() == [0.0, 0.0]


def test_bounds_and_the_count_of_batches_are_state():
    quantizer = ActivationQuantizer(2, 4, signed=False, start_step=3).train()
    for i in range(2):
        quantizer(noise(4, 2, seed=i))
    other = ActivationQuantizer(2, 4, signed=False, start_step=3).train()
    other.load_state_dict(quantizer.state_dict())
    x = noise(4, 2, seed=7)
    assert torch.equal(quantizer(x), other(x))
    assert torch.equal(quantizer(x), other(x))
    assert not other.collecting
    assert torch.equal(quantizer.bound, other.bound)
    other.reset()
    assert other.collecting
    assert all(not value.any() for value in other.state_dict().values())


def test_bfloat16_has_eight_significant_bits():
    x = torch.tensor([1.0, 1.0 + 2**-7, 1.0 + 2**-9])
    assert to_bfloat16(x).tolist() == [1.0, 1.0 + 2**-7, 1.0]
    quantizer = activation_quantizer(3, "bf16", signed=False, start_step=5)
    assert not quantizer.collecting
    assert torch.equal(quantizer(noise(4, 3)), noise(4, 3).bfloat16().float())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, (3, 1), (2, 1), (1, 0), dilation=(2, 1), groups=2),
        nn.Conv2d(4, 6, 3, padding="same", bias=False, padding_mode="circular"),
        nn.Linear(4, 3),
    ],
)
def test_a_layer_at_bf16_is_the_layer_with_rounded_input_and_weight(layer):
    x = noise(5, 4) if isinstance(layer, nn.Linear) else noise(5, 4, 9, 9)
    found = quantized_layer(layer, "bf16", activation_quantizer(4, "bf16", signed=True, start_step=1))
    assert isinstance(found, QuantizedLinear | QuantizedConv2d)
    assert found.weight is layer.weight
    rounded = torch.func.functional_call(
        layer, {"weight": layer.weight.bfloat16().float()}, (x.bfloat16().float(),)
    )
    assert torch.equal(found(x), rounded)


def test_another_layer_is_refused():
    with pytest.raises(TypeError, match="BatchNorm2d is neither"):
        quantized_layer(nn.BatchNorm2d(3), 4, activation_quantizer(3, 4, signed=True, start_step=1))
