"""Where tensors live: chosen by the profile or the command line, never by the experiment."""

import torch

from ib_analysis.errors import UserError


def resolve_device(name: str, threads: int) -> torch.device:
    """The device of that name ("auto": a GPU where there is one), with so many CPU threads."""
    torch.set_num_threads(max(1, threads))
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, but PyTorch sees no GPU here: use --device cpu, or auto.")
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    return device


def describe_device(device: torch.device) -> str:
    """The device in words, for the provenance."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
