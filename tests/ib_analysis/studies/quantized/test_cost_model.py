"""The cost model: ResNet-50's own constants, ratios of bits, and what a quantized network costs."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.layers.layer_calls import layer_calls
from ib_analysis.encoders.quantized import Quantized
from ib_analysis.encoders.specs.quantized import QuantizedSpec
from ib_analysis.studies.quantized.cost_model import LayerCost, cost, number_of_bits, total


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, 1x1; a projection where the shape changes (He et al. 2016, figure 5)."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, width, 1, bias=False)
        self.second = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.third = nn.Conv2d(width, 4 * width, 1, bias=False)
        same = inputs == 4 * width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, 4 * width, 1, stride, bias=False)

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.third(F.relu(self.second(F.relu(self.first(x))))))


def resnet50():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for width, count in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for i in range(count):
            layers.append(Bottleneck(inputs, width, 2 if i == 0 and width > 64 else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def at_bits(calls, weight_bits, activation_bits, end_bits=None):
    """The layers at the same bits, but for the first and the last, which may have others."""
    bits = [(weight_bits, activation_bits)] * len(calls)
    if end_bits is not None:
        bits[0] = bits[-1] = (end_bits, end_bits)
    return [
        LayerCost(call.multiplications, call.weights, *map(number_of_bits, pair))
        for call, pair in zip(calls, bits)
    ]


@pytest.fixture(scope="module")
def calls():
    network, x = resnet50(), torch.zeros(1, 3, 224, 224)
    return layer_calls(network, lambda: network(x))


def test_resnet_50_at_224(calls):
    found = total(at_bits(calls, "bf16", "bf16"))
    assert len(calls) == 54
    assert found.multiplications == 4_089_184_256
    assert found.weights == 25_502_912
    assert found.compute == 1_046_831_169_536
    assert found.memory == 16 * 25_502_912


@pytest.mark.parametrize(
    ("bits", "ratios"),
    [
        ((8, "bf16"), (0.5, 0.5)),
        ((4, "bf16"), (0.25, 0.25)),
        ((8, 8), (0.25, 0.5)),
        ((4, 4), (0.0625, 0.25)),
    ],
)
def test_ratios_of_resnet_50(calls, bits, ratios):
    found, whole = total(at_bits(calls, *bits)), total(at_bits(calls, "bf16", "bf16"))
    assert (found.compute / whole.compute, found.memory / whole.memory) == ratios


def test_eight_bit_ends_of_resnet_50_at_four_bits(calls):
    found, whole = total(at_bits(calls, 4, 4, end_bits=8)), total(at_bits(calls, "bf16", "bf16"))
    assert found.compute / whole.compute == pytest.approx(0.0680, abs=5e-5)
    assert found.memory / whole.memory == pytest.approx(0.2702, abs=5e-5)


def test_a_quantized_network_is_priced_by_the_bits_of_each_layer():
    """By hand: 8x8 images, widths 2 and 4, one block a stage, 3 classes; the ends at 8 bits."""
    network = {"kind": "resnet", "blocks": [1, 1], "widths": [2, 4]}
    spec = QuantizedSpec(network=network, weight_bits=2, activation_bits=4, end_bits=8)
    encoder = Quantized(spec, "classifier", ImageShape(channels=1, height=8, width=8, levels=17), 3)
    stem, logits = 64 * 2 * 9, 4 * 3
    inner = 2 * 64 * 2 * 18 + 16 * 4 * (18 + 36 + 2)
    inner_weights = 2 * 2 * 18 + 4 * (18 + 36 + 2)
    found = cost(encoder)
    assert found.multiplications == stem + inner + logits
    assert found.weights == 18 + inner_weights + 12
    assert found.compute == 64 * (stem + logits) + 2 * 4 * inner
    assert found.memory == 8 * (18 + 12) + 2 * inner_weights
    assert encoder.training
