"""Negative log-likelihood of each example under a decoder, in nats."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from decoders.categorical import CategoricalDensity
from decoders.density import Decoder
from decoders.memory import MOST_AT_ONCE, examples_at_once
from decoders.pairs import Pairs
from decoders.spec import Precision
from decoders.training.precision import autocast
from decoders.training.progress import progress


class NegativeLogLikelihood(nn.Module):
    """The loss as a module: DistributedDataParallel wraps decoder and loss as one."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, target: torch.Tensor, h: torch.Tensor | None) -> torch.Tensor:
        """-log q(target | h) in nats, shape (batch,), not yet averaged."""
        nats: torch.Tensor = -self.decoder(h).log_prob(target)
        return nats


@torch.no_grad()
def nats_per_example(
    decoder: Decoder,
    pairs: Pairs,
    device: torch.device | str,
    batch_size: int | None = None,
    *,
    rows: NDArray[np.int64] | None = None,
    precision: Precision = "float32",
    label: str | None = None,
) -> NDArray[np.float64]:
    """-log q(target | h) of each pair, in nats, in evaluation mode, block by block.

    Args:
        decoder: moved to the device; its mode (training or evaluation) is restored afterwards.
        pairs: the examples; memory is bounded by one block of them.
        device: where the decoder runs.
        batch_size: pairs in a block; by default as many as the memory of an evaluation holds (`decoders.memory`).
        rows: which pairs, in which order; by default all of them in order.
        precision: as `autocast`; bfloat16 moves the value by about 2e-4 of it.
        label: names the progress bar; no bar without it.

    Returns:
        float64, shape (len(rows),).
    """
    device = torch.device(device)
    rows = np.arange(len(pairs)) if rows is None else rows
    size = batch_size or examples_at_once(decoder.bytes_per_example, MOST_AT_ONCE)
    nats = np.empty(len(rows), dtype=np.float64)
    loss, was_training = NegativeLogLikelihood(decoder.to(device)), decoder.training
    loss.eval()
    with progress(range(len(rows)), label or "", unit="example", quiet=label is None) as bar:
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            with autocast(device, precision):
                nats[start : start + len(block)] = loss(*pairs.batch(block)).double().cpu().numpy()
            bar.update(len(block))
    decoder.train(was_training)
    return nats


@torch.no_grad()
def class_log_probabilities(
    decoder: Decoder,
    pairs: Pairs,
    device: torch.device | str,
    *,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """log q(y | h) of every class y at each pair, in evaluation mode, block by block.

    Args:
        decoder: a classifier of h, moved to the device; its mode is restored afterwards.
        pairs: the examples, of which h alone is used.
        device: where the decoder runs.
        rows: which pairs, in which order; by default all of them in order.

    Returns:
        float64, shape (len(rows), classes).
    """
    rows = np.arange(len(pairs)) if rows is None else rows
    was_training = decoder.training
    decoder.to(device).eval()
    size = examples_at_once(decoder.bytes_per_example, MOST_AT_ONCE)
    blocks = []
    for start in range(0, len(rows), size):
        _, h = pairs.batch(rows[start : start + size])
        density = decoder(h)
        assert isinstance(density, CategoricalDensity), "a decoder of images has no classes"
        blocks.append(density.log_probabilities.double().cpu().numpy())
    decoder.train(was_training)
    return np.concatenate(blocks)
