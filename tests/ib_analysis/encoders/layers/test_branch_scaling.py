"""Scaled residual branches: the factors, and where a network applies them."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.layers.branch_scaling import branch_scales
from ib_analysis.encoders.layers.residual_block import BasicBlock
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec

IMAGE = ImageShape(channels=1, height=8, width=8, levels=17)
BLOCKS = (3, 2, 1)


def network(scaling, norm="none", regime="classifier"):
    spec = ResNetSpec(blocks=BLOCKS, widths=(8, 8, 16), norm=norm, scaling=scaling, bottleneck=4)
    encoder = ResNet(spec, regime, IMAGE, 3)
    encoder.initialise(torch.Generator().manual_seed(0))
    return encoder.eval()


def images(count=5):
    return torch.randint(
        0, 17, (count, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
    )


def trunk_blocks(encoder):
    return [block for name in ("h1", "h2", "h3") for block in encoder.trunk[name]]


@pytest.mark.parametrize("scheme", ["uniform", "decreasing"])
def test_a_stable_scheme_has_a_bounded_sum_of_squares(scheme):
    sums = [sum(s**2 for s in branch_scales(scheme, 10**k)) for k in (1, 2, 3, 4)]
    # The tail of the sum of 1 / (l log^2 l) beyond L is 1 / log L: each power of ten adds less than the one before.
    steps = [b - a for a, b in pairwise(sums)]
    assert sums[-1] < 4
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(steps))
    assert sum(s**2 for s in branch_scales("none", 1000)) == 1000


def test_the_sum_of_squares_of_the_uniform_scheme_is_one():
    assert sum(s**2 for s in branch_scales("uniform", 37)) == pytest.approx(1)


def test_blocks_are_counted_through_the_whole_network():
    blocks = trunk_blocks(network("decreasing"))
    assert [block.scale for block in blocks] == [1 / (math.sqrt(i) * math.log(i + 1)) for i in range(1, 7)]


def literal(block, x):
    branch = block.second(F.relu(block.first(x)))
    return F.relu(block.shortcut(x) + block.scale * branch)


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("scaling", ["none", "uniform", "decreasing"])
def test_a_network_is_its_literal_twin(scaling, norm):
    encoder = network(scaling, norm)
    with torch.no_grad():
        h = encoder.trunk["stem"](encoder.normalise(images()))
        for block in trunk_blocks(encoder):
            h = literal(block, h)
        assert torch.allclose(encoder.activations(images(), ["h3"])["h3"], h, rtol=1e-5, atol=1e-6)


def test_without_scaling_every_bit_is_the_plain_block():
    block = BasicBlock(8, 8, 1, "none")
    x = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(2))
    assert torch.equal(block(x), F.relu(x + block.second(F.relu(block.first(x)))))


def test_a_branch_scaled_to_zero_leaves_the_shortcut_alone():
    block = BasicBlock(8, 16, 2, "batch", scale=0.0).eval()
    x = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(3))
    assert torch.equal(block(x), F.relu(block.shortcut(x)))


def test_scales_are_no_weights_and_the_mirror_is_unscaled():
    plain, scaled = (network(scaling, regime="autoencoder") for scaling in ("none", "uniform"))
    assert plain.state_dict().keys() == scaled.state_dict().keys()
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), scaled.parameters()))
    mirrored = [m for m in scaled.mirror.modules() if isinstance(m, BasicBlock)]
    assert mirrored
    assert {block.scale for block in mirrored} == {1.0}


def test_scaling_holds_back_the_growth_of_a_deep_network():
    def growth(scaling):
        spec = ResNetSpec(blocks=(30,), widths=(16,), norm="none", scaling=scaling)
        h = ResNet(spec, "classifier", IMAGE, 3).eval().activations(images(), ["stem", "h1"])
        return (h["h1"].square().mean() / h["stem"].square().mean()).item()

    assert growth("none") > 1e6
    assert max(growth("uniform"), growth("decreasing")) < 50


def test_the_norm_comes_before_the_scale():
    block = network("uniform", "batch").trunk["h1"][1]
    assert isinstance(block.second[1], nn.BatchNorm2d)
    with torch.no_grad():
        block.second[1].weight.zero_()
        block.second[1].bias.fill_(6.0)
        x = torch.zeros(1, 8, 8, 8)
        assert torch.allclose(block(x), torch.full_like(x, 6 / math.sqrt(6)))
