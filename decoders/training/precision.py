"""Reduced precision, where the device computes it in hardware."""

from functools import cache
from pathlib import Path

import torch

from decoders.spec import Precision


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """bfloat16 where it is asked for and the device multiplies it in hardware; elsewhere a context without effect.

    Args:
        device: where the network runs.
        precision: "mixed" is bfloat16 on a GPU alone, "bfloat16" also on a CPU that has it.
    """
    on_gpu = device.type == "cuda" and precision != "float32"
    on_cpu = device.type == "cpu" and precision == "bfloat16" and has_bfloat16()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=on_gpu or on_cpu)


@cache
def has_bfloat16() -> bool:
    """Whether Linux reports bfloat16 multiplication (AVX-512 BF16 or AMX); emulation is slower than float32."""
    try:
        words = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return "avx512_bf16" in words or "amx_bf16" in words
