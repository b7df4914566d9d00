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
from decoders.spec import Precision


class NegativeLogLikelihood(nn.Module):
    """The loss as a module, so that a data-parallel engine can wrap decoder and loss as one."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, target: torch.Tensor, h: torch.Tensor | None) -> torch.Tensor:
        """-log q(target | h) in nats, shape (batch,), not yet averaged."""
        nats: torch.Tensor = -self.decoder(h).log_prob(target)
        return nats


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """bfloat16 where it was asked for and the device multiplies it in hardware; a context without effect elsewhere.

    Args:
        device: where the decoder runs.
        precision: "mixed" is bfloat16 on a GPU alone, "bfloat16" also on a CPU that has it.
    """
    on_gpu = device.type == "cuda" and precision != "float32"
    on_cpu = device.type == "cpu" and precision == "bfloat16" and has_bfloat16()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=on_gpu or on_cpu)


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
    precision: Precision = "float32",
    label: str | None = None,
) -> NDArray[np.float64]:
    """-log q(target | h) of each pair, in nats, in evaluation mode and block by block.

    Args:
        decoder: moved to the device; its mode (training or evaluation) is what it was afterwards.
        pairs: the examples; memory is bounded by one block of them.
        device: where the decoder runs.
        batch_size: pairs in a block.
        rows: which pairs, in which order; all of them in their order by default.
        precision: as `autocast`; bfloat16 moves the value by about 2e-4 of it.
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
            with autocast(device, precision):
                nats[start : start + len(block)] = loss(*pairs.batch(block)).double().cpu().numpy()
            bar.update(len(block))
    decoder.train(was_training)
    return nats
