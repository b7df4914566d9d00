"""The generalized residual block against its equations, written out with four convolutions."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ib_analysis.encoders.layers.generalized_block import GeneralizedBlock, RirBlock, Shortcuts
from ib_analysis.encoders.layers.initialisation import initialise

INNER = Shortcuts(streams=1, inner=True, outer=False, projection=False, absorbed=False)
BOTH = Shortcuts(streams=1, inner=True, outer=True, projection=False, absorbed=False)


def drawn(module, seed=0):
    """In float64, with weights and batch norms that are not what they were at first."""
    generator = torch.Generator().manual_seed(seed)
    initialise(module, generator)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for value in (norm.weight.data, norm.bias.data, norm.running_mean):
                value.copy_(torch.randn(value.shape, generator=generator))
            norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=generator) + 0.5)
    return module.double().eval()


def images(channels, size=(7, 6), seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, channels, *size, generator=generator, dtype=torch.float64)


def four_convolutions(block, r, t, shortcut):
    """r' and t' as the equations say, with batch norm and ReLU of each stream on its own."""
    inputs, outputs, stride = r.shape[1], block.conv.out_channels // 2, block.conv.stride
    w = block.conv.weight
    rr, tr = w[:outputs, :inputs], w[:outputs, inputs:]
    rt, tt = w[outputs:, :inputs], w[outputs:, inputs:]

    def conv(weight, x):
        return F.conv2d(x, weight, stride=stride, padding=1)

    def s(x, channels):
        n = block.norm
        moments = (n.running_mean[channels], n.running_var[channels], n.weight[channels], n.bias[channels])
        return F.relu(F.batch_norm(x, *moments, eps=n.eps))

    residual = s(conv(rr, r) + conv(tr, t) + shortcut, slice(0, outputs))
    return residual, s(conv(rt, r) + conv(tt, t), slice(outputs, None))


@pytest.mark.parametrize("stride", [1, 2])
def test_one_convolution_is_the_four_of_the_equations(stride):
    block = drawn(GeneralizedBlock(6, 10, stride))
    x = images(6)
    r, t = x[:, :3], x[:, 3:]
    shortcut = F.pad(r[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, 2))  # zero padding: option A of He et al.
    expected = torch.cat(four_convolutions(block, r, t, shortcut), 1)
    assert torch.allclose(block(x, r[:, :, ::stride, ::stride]), expected, atol=1e-12)


def test_the_transient_stream_alone_is_a_plain_layer_and_the_residual_one_a_residual_layer():
    block = drawn(GeneralizedBlock(6, 6, 1))
    with torch.no_grad():
        block.conv.weight[:3, 3:] = 0
        block.conv.weight[3:, :3] = 0
    x = images(6)
    y = block(x, x[:, :3])
    halves = [slice(0, 3), slice(3, 6)]
    plain = [F.conv2d(x[:, c], block.conv.weight[c, c], padding=1) for c in halves]
    normed = block.norm(torch.cat([plain[0] + x[:, :3], plain[1]], 1))
    assert torch.allclose(y, F.relu(normed), atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(7, 6), (8, 8), (1, 1)])
def test_an_absorbed_identity_is_the_shortcut_with_zero_padding(stride, size):
    block = drawn(GeneralizedBlock(6, 10, stride))
    x = images(6, size)
    explicit = block(x, x[:, :3, ::stride, ::stride])
    assert not torch.allclose(block(x), explicit)
    block.absorb_identity(3)
    assert torch.allclose(block(x), explicit, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3, 1), (3, 5, 2)])
def test_the_rir_block_is_two_generalized_blocks_in_a_residual_block(shape):
    before, after, stride = shape
    block = drawn(RirBlock(before, after, stride, BOTH))
    x = images(2 * before)
    start = F.pad(x[:, :before, ::stride, ::stride], (0, 0, 0, 0, 0, after - before))
    r, t = four_convolutions(block.first, x[:, :before], x[:, before:], start)
    y = torch.cat([r, t], 1)
    branch = block.second.norm(block.second.conv(y) + torch.cat([r, torch.zeros_like(t)], 1))
    expected = torch.cat([F.relu(branch[:, :after] + start), F.relu(branch[:, after:])], 1)
    assert torch.allclose(block(x), expected, atol=1e-12)


def test_without_outer_shortcut_it_is_a_stack_of_generalized_blocks():
    block = drawn(RirBlock(3, 3, 1, INNER))
    x = images(6)
    y = block.first(x, x[:, :3])
    assert torch.equal(block(x), block.second(y, y[:, :3]))


@pytest.mark.parametrize("shape", [(3, 3, 1), (3, 5, 2)])
def test_an_outer_shortcut_on_both_streams_is_the_block_of_a_resnet(shape):
    before, after, stride = shape
    resnet = Shortcuts(streams=2, inner=False, outer=True, projection=True, absorbed=False)
    block = drawn(RirBlock(before, after, stride, resnet))
    x = images(2 * before)
    first = F.relu(block.first.norm(block.first.conv(x)))
    branch = block.second.norm(block.second.conv(first))
    same = (before, stride) == (after, 1)
    shortcut = x if same else F.conv2d(x, block.shortcut.weight, stride=stride)
    assert torch.allclose(block(x), F.relu(branch + shortcut), atol=1e-12)


def test_inner_and_outer_shortcut_share_one_projection():
    projected = Shortcuts(streams=1, inner=True, outer=True, projection=True, absorbed=False)
    block, bare = RirBlock(3, 5, 2, projected), RirBlock(3, 5, 2, BOTH)
    sizes = [sum(p.numel() for p in b.parameters()) for b in (block, bare)]
    assert sizes[0] - sizes[1] == 3 * 5
    drawn(block)
    x = images(6)
    start = block.shortcut(x[:, :3])
    y = block.first(x, start)
    assert torch.equal(block(x), block.second(y, y[:, :5], start))


@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("projection", [False, True])
def test_absorbed_identities_leave_a_block_as_it_was(projection, scale):
    explicit = Shortcuts(streams=1, inner=True, outer=True, projection=projection, absorbed=False)
    absorbed = Shortcuts(streams=1, inner=True, outer=True, projection=projection, absorbed=True)
    one, other = (drawn(RirBlock(3, 5, 2, kind, scale)) for kind in (explicit, absorbed))
    other.absorb_identities()
    x = images(6)
    assert torch.allclose(one(x), other(x), atol=1e-12)


def test_a_scale_acts_on_what_a_shortcut_is_added_to_and_on_nothing_else():
    block = drawn(RirBlock(3, 3, 1, BOTH, scale=0.5))
    x = images(6)
    half = torch.tensor([0.5] * 3 + [1.0] * 3, dtype=torch.float64)[:, None, None]
    r = torch.cat([x[:, :3], torch.zeros_like(x[:, 3:])], 1)
    y = F.relu(block.first.norm(half * block.first.conv(x) + r))
    y_r = torch.cat([y[:, :3], torch.zeros_like(y[:, 3:])], 1)
    expected = F.relu(half * block.second.norm(half * block.second.conv(y) + y_r) + r)
    assert torch.allclose(block(x), expected, atol=1e-12)


def test_a_scaled_resnet_block_is_shortcut_plus_scaled_branch():
    resnet = Shortcuts(streams=2, inner=False, outer=True, projection=False, absorbed=False)
    block = drawn(RirBlock(3, 3, 1, resnet, scale=0.5))
    x = images(6)
    branch = block.second.norm(block.second.conv(block.first(x)))
    assert torch.allclose(block(x), F.relu(x + 0.5 * branch), atol=1e-12)
