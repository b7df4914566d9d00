"""The device of tensors: chosen by the profile or the command line, not by the experiment."""

import os

import torch

from ib_analysis.device_name import check_device
from ib_analysis.errors import UserError


def resolve_device(name: str, threads: int) -> torch.device:
    """The device of that name, after torch is set to `threads` CPU threads; "auto" is a GPU where there is one.

    Several processes on one machine have a GPU each, and share the threads equally.

    Raises:
        UserError: there is no GPU, or there are fewer GPUs than processes.
    """
    torch.set_num_threads(max(1, threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    if check_device(name) == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, but PyTorch sees no GPU here: use --device cpu, or auto.")
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        return _own_gpu(device)
    return device


def _own_gpu(device: torch.device) -> torch.device:
    """The GPU whose number is the local rank of this process; `device` where there is one process."""
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if processes < 2:
        return device
    if processes > torch.cuda.device_count():
        raise UserError(
            f"{processes} processes were started where PyTorch sees {torch.cuda.device_count()} GPUs: "
            "start one a GPU, or use --device cpu."
        )
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))


def describe_device(device: torch.device) -> str:
    """Name of the GPU, or "cpu", for the provenance."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
