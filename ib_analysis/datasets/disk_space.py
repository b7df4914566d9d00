"""Errors of the file system, reported as one sentence."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ib_analysis.errors import UserError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Context for code that writes below `folder`.

    Raises:
        UserError: the disk (or the quota) is full, or a permission is missing.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise UserError(f"{folder}: the disk is full; free space there and run again") from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise UserError(
                f"{error.filename or folder}: permission denied; change the permissions or name another folder"
            ) from error
        raise


def reserve(path: Path, n_bytes: int) -> None:
    """Extends an existing file to its final length and allocates every block.

    On a full disk a memory-mapped write to a sparse file kills the process with SIGBUS; this reservation raises an
    error instead.
    """
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        else:
            file.truncate(n_bytes)
