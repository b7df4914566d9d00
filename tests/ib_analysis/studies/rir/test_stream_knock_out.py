"""Zeroing a stream: what a block then reads, and that nothing is left of it afterwards."""

import numpy as np
import pytest
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.rir import Rir
from ib_analysis.encoders.specs.rir import RirSpec
from ib_analysis.studies.rir.stream_knock_out import accuracies_without_a_stream, knocked_out

CPU = torch.device("cpu")
IMAGE = ImageShape(channels=1, height=8, width=8, levels=17)


@pytest.fixture
def encoder():
    return Rir(RirSpec(blocks=(1, 2), widths=(3, 4)), "classifier", IMAGE, 2).eval()


@pytest.fixture
def part():
    rng = np.random.default_rng(0)
    return Part("evaluation", rng.integers(0, 17, (20, 1, 8, 8), np.uint8), rng.integers(0, 2, 20))


@pytest.mark.parametrize(("stream", "zero", "kept"), [("residual", 0, 1), ("transient", 1, 0)])
def test_the_block_reads_zeros_in_one_half_and_the_other_untouched(encoder, stream, zero, kept):
    block, x = encoder.blocks[1], torch.rand(2, 6, 8, 8)
    halves = [slice(0, 3), slice(3, 6)]
    expected = x.clone()
    expected[:, halves[zero]] = 0
    with knocked_out(block, stream):
        without = block(x)
    assert torch.equal(without, block(expected))
    assert torch.equal(expected[:, halves[kept]], x[:, halves[kept]])
    assert not torch.equal(without, block(x))


def test_every_block_and_stream_is_zeroed_once_and_then_mended(encoder, part):
    x = torch.from_numpy(part.images)
    before = encoder(x)
    found = accuracies_without_a_stream(encoder, part, CPU)
    assert sorted(found) == [(block, stream) for block in (1, 2, 3) for stream in ("residual", "transient")]
    assert all(0 <= value <= 1 for value in found.values())
    assert torch.equal(encoder(x), before)


def test_a_network_that_reads_one_stream_alone_loses_by_that_one_only(encoder, part):
    """The last block has no weight on the transient stream, which has no shortcut: zeroing it changes nothing."""
    block = encoder.blocks[-1]
    block.first.conv.weight.data[:, 4:] = 0
    x = torch.from_numpy(part.images)
    with knocked_out(block, "transient"):
        without = encoder(x)
    assert torch.equal(without, encoder(x))
    with knocked_out(block, "residual"):
        assert not torch.allclose(without, encoder(x), atol=1e-3)
