"""The state of an interrupted fit, on the disk: whole, or absent."""

import warnings
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from decoders.atomic_file import replacing

# What torch.load raises on a file that is truncated, foreign, or holds more than tensors and plain values.
_UNREADABLE = (RuntimeError, UnpicklingError, zipfile.BadZipFile, EOFError, ValueError, KeyError, TypeError)


def write_state(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Replace the state at `path`; `identity` says which fit it belongs to.

    Raises:
        DecoderFileError: the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        try:
            torch.save({"identity": identity, "state": state}, file)
        except RuntimeError as error:  # torch's own writer hides the OSError of a full disk in one of these
            raise OSError(str(error).splitlines()[0]) from error


def read_state(path: Path, identity: str, device: torch.device) -> dict[str, Any] | None:
    """The state at `path` if it is one of this very fit; otherwise None, with a warning if there is a file.

    Only tensors and plain values are read (weights_only): nothing in the file is executed.
    """
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        found, state = content["identity"], content["state"]
    except _UNREADABLE:
        warnings.warn(f"{path} is truncated or no state of a fit; starting from step 0", stacklevel=2)
        return None
    if found != identity:
        warnings.warn(f"{path} belongs to another fit; starting from step 0", stacklevel=2)
        return None
    assert isinstance(state, dict)
    return state
