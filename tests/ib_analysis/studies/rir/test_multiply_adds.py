"""Multiply-adds against counts by hand, and the four convolutions against the one."""

import pytest
import torch
from torch import nn

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.layers.generalized_block import GeneralizedBlock
from ib_analysis.encoders.rir import Rir
from ib_analysis.encoders.specs.rir import RirSpec
from ib_analysis.studies.rir.multiply_adds import multiply_adds
from ib_analysis.studies.specs.rir import ARMS

CIFAR = ImageShape(channels=3, height=32, width=32, levels=256)


IMAGE = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)


def network(**settings):
    return Rir(RirSpec(**settings), "classifier", CIFAR, 10)


def normalised_values(encoder):
    """Values that pass through a batch norm, for one image."""
    found = []
    norms = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.register_forward_hook(lambda _, __, output: found.append(output.numel()))
    encoder.eval()(IMAGE)
    return sum(found)


def test_the_18_layer_wide_network():
    """Layer by layer: stem, three stages, two projections, classes; then batch norms at two for each value."""
    stages = 4 * 1024 * 96 * 96 + 256 * (96 * 192 + 5 * 192**2) + 64 * (192 * 384 + 5 * 384**2)
    rest = 1024 * 9 * 3 * 96 + (256 * 48 * 96 + 64 * 96 * 192) + 64 * 384 * 10
    values = 5 * 1024 * 96 + 6 * 256 * 192 + 6 * 64 * 384 + 64 * 10
    found = multiply_adds(network(), IMAGE)
    assert found == 9 * stages + rest == 1_279_279_104
    assert normalised_values(network()) == values
    assert found + 2 * values == 1_281_148_160  # the 1,281 M that is quoted for it


def test_with_padding_no_arm_multiplies_more_than_another():
    networks = [network(arm=arm, shortcut="padding") for arm in ARMS]
    assert len({multiply_adds(encoder, IMAGE) for encoder in networks}) == 1
    assert len({normalised_values(encoder) for encoder in networks}) == 1


def test_the_four_convolutions_of_the_two_streams_cost_what_the_one_does():
    one = GeneralizedBlock(6, 10, 2)
    four = nn.ModuleList(nn.Conv2d(3, 5, 3, 2, padding=1, bias=False) for _ in range(4))
    x = torch.zeros(1, 6, 9, 9)
    apart = sum(multiply_adds(conv, x[:, :3]) for conv in four)
    assert multiply_adds(one, x) == apart == 4 * 25 * 5 * 27
    assert one.conv.weight.numel() == sum(conv.weight.numel() for conv in four)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Linear(7, 5), (1, 7), 35),
        (nn.Conv2d(4, 6, 3, groups=2), (1, 4, 5, 5), 6 * 9 * 18),
        (nn.BatchNorm2d(3), (1, 3, 2, 2), 0),
        (nn.ReLU(), (1, 3, 2, 2), 0),
    ],
)
def test_single_layers(layer, shape, expected):
    assert multiply_adds(layer, torch.zeros(shape)) == expected
    assert not layer._forward_hooks
