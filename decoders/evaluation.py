"""What a fitted decoder says of each example: its negative log-likelihood in nats."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from decoders.density import Decoder
from decoders.pairs import Pairs
from decoders.progress import progress


class NegativeLogLikelihood(nn.Module):
    """The loss as a module, so that a data-parallel engine can wrap decoder and loss as one."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, target: torch.Tensor, h: torch.Tensor | None) -> torch.Tensor:
        """-log q(target | h) in nats, shape (batch,), not yet averaged."""
        nats: torch.Tensor = -self.decoder(h).log_prob(target)
        return nats


def autocast(device: torch.device, mixed_precision: bool) -> torch.autocast:
    """bfloat16 where it was asked for and the device is a GPU; a context that changes nothing elsewhere."""
    enabled = mixed_precision and device.type == "cuda"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


@torch.no_grad()
def nats_per_example(
    decoder: Decoder,
    pairs: Pairs,
    device: torch.device | str,
    batch_size: int,
    *,
    rows: NDArray[np.int64] | None = None,
    mixed_precision: bool = False,
    label: str | None = None,
) -> NDArray[np.float64]:
    """-log q(target | h) of each pair, in nats, in evaluation mode and block by block.

    Args:
        decoder: moved to the device; its mode (training or evaluation) is what it was afterwards.
        pairs: the examples; memory is bounded by one block of them.
        device: where the decoder runs.
        batch_size: pairs in a block.
        rows: which pairs, in which order; all of them in their order by default.
        mixed_precision: bfloat16 on a GPU (about 2e-4 of the value); off by default.
        label: names the progress bar; no bar without it.

    Returns:
        float64, shape (len(rows),).
    """
    device = torch.device(device)
    rows = np.arange(len(pairs)) if rows is None else rows
    nats = np.empty(len(rows), dtype=np.float64)
    loss, was_training = NegativeLogLikelihood(decoder.to(device)), decoder.training
    loss.eval()
    with progress(len(rows), label or "", "example", quiet=label is None) as bar:
        for start in range(0, len(rows), batch_size):
            block = rows[start : start + batch_size]
            with autocast(device, mixed_precision):
                nats[start : start + len(block)] = loss(*pairs.batch(block)).double().cpu().numpy()
            bar.update(len(block))
    decoder.train(was_training)
    return nats
