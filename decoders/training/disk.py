"""One sentence for a disk that is full or may not be written, whatever part of the program meets it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


class DiskError(Exception):
    """A disk is full or may not be written; the message is one sentence that names the place and what to do."""


@contextmanager
def explain_disk_errors(
    place: Path | str, advice: str = "make room there and run again, finished work is kept"
) -> Iterator[None]:
    """Turn an OSError of a full or protected disk into a sentence; every other error passes.

    Args:
        place: the file or folder that the block writes.
        advice: what to do about a full disk.

    Raises:
        DiskError: the disk or the quota is full, or permission is denied.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskError(
                f"{error.filename or place}: the disk is full ({error.strerror}); {advice}"
            ) from error
        if error.errno in DENIED:
            raise DiskError(
                f"{error.filename or place}: permission denied; change its permissions or choose another folder"
            ) from error
        raise
