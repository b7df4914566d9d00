"""One sentence for whatever the operating system refuses: the file, what is wrong with it, and what to do."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_IN_THE_WAY = "move away what is in its place and run again"
_DEVICE = "check the disk or the connection to it, and run again, finished work is kept"
_LIMIT = "raise the limit (ulimit -n) or run fewer jobs at once"
_STANDING = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY}
REMEDIES: Mapping[int, tuple[str, str]] = {
    errno.EACCES: ("permission denied", "change its permissions or choose another folder"),
    errno.EPERM: ("permission denied", "change its permissions or choose another folder"),
    errno.EROFS: ("permission denied, the disk is read-only", "choose another folder"),
    errno.ENOENT: (
        "does not exist",
        "run the workflow again, which makes what is missing, or correct the path",
    ),
    errno.EEXIST: ("stands where something else is to be made", _IN_THE_WAY),
    errno.ENOTDIR: ("a file stands where a folder is needed", _IN_THE_WAY),
    errno.EISDIR: ("a folder stands where a file is needed", _IN_THE_WAY),
    errno.ENOTEMPTY: ("a folder that is not empty stands where something else is to be made", _IN_THE_WAY),
    errno.ELOOP: ("its links lead in a circle", "remove one of them"),
    errno.ENAMETOOLONG: ("its name is too long for the disk", "choose a shorter name or folder"),
    errno.EMFILE: ("too many files are open", _LIMIT),
    errno.ENFILE: ("too many files are open", _LIMIT),
    errno.ENOMEM: ("the memory is full", "run fewer jobs at once, or lower batch_size"),
    errno.EIO: ("the disk fails", _DEVICE),
    errno.ESTALE: ("the disk of the network is gone", _DEVICE),
    errno.ETIMEDOUT: ("the disk of the network does not answer", _DEVICE),
}
"""What is wrong and what to do, by the number of the error; every other error is said in the system's words."""


class DiskError(Exception):
    """The operating system refuses a file; the message is one sentence that names it and what to do."""


@contextmanager
def explain_disk_errors(
    place: Path | str, advice: str = "make room there and run again, finished work is kept"
) -> Iterator[None]:
    """Turn every OSError into a sentence, but for a closed pipe, which is no matter of files.

    Args:
        place: the file or folder that the block writes.
        advice: what to do about a full disk.

    Raises:
        DiskError: the operating system refuses a file: the disk is full, permission is denied, a file stands in the
            place of a folder, or any other reason.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DiskError(f"{_file(error) or place}: {_explain(error, advice)}") from error


def _file(error: OSError) -> str:
    """The file that the system names: of two, the one that stands in the way of the other."""
    names = [error.filename, error.filename2] if error.errno in _STANDING else [error.filename]
    named = [name for name in names if isinstance(name, str | bytes | os.PathLike)]
    return os.fsdecode(named[-1]) if named else ""


def _explain(error: OSError, advice: str) -> str:
    words = error.strerror or str(error) or type(error).__name__
    if error.errno in FULL:
        return f"the disk is full ({words}); {advice}"
    if known := REMEDIES.get(error.errno or 0):
        wrong, remedy = known
        return f"{wrong} ({words}); {remedy}"
    return f"the operating system refuses it ({words}); {_DEVICE}"
