"""The state of an interrupted run, in one file from which the run resumes."""

import errno
import os
import time
import warnings
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from decoders.training.atomic_file import replacing

SAVE_EVERY_SECONDS = 30.0
# What torch.load raises on a file that is truncated, foreign, or holds more than tensors and plain values.
_UNREADABLE = (
    OSError,
    RuntimeError,
    UnpicklingError,
    zipfile.BadZipFile,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
)


class SavedState:
    """A file that holds the latest state of one run.

    Args:
        path: the file.
        identity: fingerprint of everything that the run depends on. A state with another one belongs to another
            run and is not read.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path, self.identity = path, identity
        self._written_at = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the last write is at least SAVE_EVERY_SECONDS ago."""
        return time.monotonic() - self._written_at >= SAVE_EVERY_SECONDS

    def write(self, state: dict[str, Any]) -> None:
        """Replace the file atomically.

        Raises:
            DiskError: the operating system refuses the file, for want of room or for another reason.
        """
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            try:
                torch.save({"identity": self.identity, "state": state}, file)
            except RuntimeError as error:  # torch's writer may report a failed write without an errno
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path)) from error
        self._written_at = time.monotonic()

    def read(self, device: torch.device | str = "cpu") -> dict[str, Any] | None:
        """The state, its tensors on the device; None where there is none, with a warning where the file is unusable.

        Only tensors and plain values are read (`weights_only`): reading executes no code.
        """
        if not self.path.is_file():
            return None
        try:
            # torch itself reads past the CRC-32 of its archive: a flipped bit would be a weight of the resumed run.
            with zipfile.ZipFile(self.path) as archive:
                if (damaged := archive.testzip()) is not None:
                    raise zipfile.BadZipFile(f"{damaged} is damaged")
            content = torch.load(self.path, map_location=device, weights_only=True)
            identity, state = content["identity"], content["state"]
        except _UNREADABLE:
            self._warn("is damaged or is not a saved state")
            return None
        if identity != self.identity or not isinstance(state, dict):
            self._warn("belongs to another run")
            return None
        return state

    def _warn(self, reason: str) -> None:
        warnings.warn(f"{self.path} {reason}: the run starts from the beginning", stacklevel=3)
