"""Accuracy with one stream set to zero at the input of one block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import torch
from torch import Tensor

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.layers.generalized_block import RirBlock
from ib_analysis.encoders.rir import Rir
from ib_analysis.studies.classifier import accuracy

Stream = Literal["residual", "transient"]
STREAMS: tuple[Stream, ...] = get_args(Stream)
IMAGES_AT_ONCE = 500


def accuracies_without_a_stream(
    encoder: Rir, part: Part, device: torch.device
) -> dict[tuple[int, Stream], float]:
    """Accuracy with one stream zeroed at the input of one block, for each block (from 1) and stream.

    Zeroing the residual stream also zeroes its shortcuts. In an arm without streams the halves of the channels are
    zeroed, as a reference.
    """
    found = {}
    for number, block in enumerate(encoder.blocks, 1):
        for stream in STREAMS:
            with knocked_out(block, stream):
                found[number, stream] = accuracy(encoder, part, device, IMAGES_AT_ONCE)
    return found


@contextmanager
def knocked_out(block: RirBlock, stream: Stream) -> Iterator[None]:
    """Context in which the block reads zeros instead of the stream; the network is otherwise unchanged."""
    width = block.before
    kept = slice(width, 2 * width) if stream == "residual" else slice(0, width)

    def zeroed(_: torch.nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        x = torch.zeros_like(inputs[0])
        x[:, kept] = inputs[0][:, kept]
        return (x,)

    hook = block.register_forward_pre_hook(zeroed)
    try:
        yield
    finally:
        hook.remove()
