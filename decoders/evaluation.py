"""What a fitted decoder says of each example: its negative log-likelihood in nats."""

from functools import cache
from pathlib import Path

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


def autocast(device: torch.device, mixed_precision: bool, *, on_cpu: bool = False) -> torch.autocast:
    """bfloat16 where it was asked for and pays; a context that changes nothing elsewhere.

    Args:
        device: where the decoder runs.
        mixed_precision: bfloat16 on a GPU.
        on_cpu: on a CPU too, if it multiplies bfloat16 in hardware. Not the default: a fit on a CPU is float32
            unless somebody says otherwise.
    """
    pays = device.type == "cuda" or (on_cpu and device.type == "cpu" and has_bfloat16())
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed_precision and pays)


@cache
def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 (AVX-512 BF16 or AMX), as Linux tells; emulated it is slower."""
    try:
        told = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return "avx512_bf16" in told or "amx_bf16" in told


@torch.no_grad()
def nats_per_example(
    decoder: Decoder,
    pairs: Pairs,
    device: torch.device | str,
    batch_size: int,
    *,
    rows: NDArray[np.int64] | None = None,
    mixed_precision: bool = False,
    on_cpu: bool = False,
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
        on_cpu: with `mixed_precision`, bfloat16 on a CPU too.
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
            with autocast(device, mixed_precision, on_cpu=on_cpu):
                nats[start : start + len(block)] = loss(*pairs.batch(block)).double().cpu().numpy()
            bar.update(len(block))
    decoder.train(was_training)
    return nats
