"""Tensors and a description in one file of safetensors, with a checksum of both: reading executes no code."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from decoders.training.atomic_file import write_bytes


class DamagedFileError(ValueError):
    """The content of a file is not that which its writer saw."""


def write_tensors(
    path: Path, key: str, description: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write the tensors to `path` atomically, the description as JSON under `key`; equal content gives equal bytes.

    Raises:
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"description": dict(description), "sha256": _digest(description, plain)}
    # A single key, because safetensors writes several keys in an order that differs between processes.
    write_bytes(path, save(plain, {key: json.dumps(header, sort_keys=True)}))


def read_tensors(path: Path, key: str) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """The description and the tensors, on the CPU; None where the file has no such key.

    Raises:
        DamagedFileError: description or tensors are not those that were written.
        SafetensorError, OSError, ValueError, KeyError, TypeError: the file is truncated or foreign.
    """
    # Not by safe_open, which (0.8.0) never gives back 64 bytes of each tensor.
    content = path.read_bytes()
    tensors = load(content)
    metadata = _metadata(content)
    if key not in metadata:
        return None
    header = json.loads(metadata[key])
    description: dict[str, Any] = header["description"]
    if header["sha256"] != _digest(description, tensors):
        raise DamagedFileError("its checksum differs from its content")
    return description, tensors


def _metadata(content: bytes) -> dict[str, str]:
    """The texts beside the tensors. A file of safetensors begins with the length of its header in 8 bytes, then it."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(header.get("__metadata__", {}))


def _digest(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(dict(description), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(save({"": tensor}))
    return digest.hexdigest()
