"""A full disk is a user's sentence, not a traceback."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ib_analysis.errors import UserError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Everything in here writes below `folder`.

    Raises:
        UserError: the disk (or the quota) is full, or something may not be read or written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise UserError(f"{folder}: the disk is full; make room there and run again") from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise UserError(
                f"{error.filename or folder}: permission denied; change it or name another folder"
            ) from error
        raise


def reserve(path: Path, n_bytes: int) -> None:
    """Give an existing file its final length with every block allocated.

    A memory-mapped write to a file with holes dies of SIGBUS on a full disk; a reservation fails beforehand,
    with an error that can be told.
    """
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        else:
            file.truncate(n_bytes)
