"""Files that are whole or absent: written under a temporary name, then moved into place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from decoders.training.disk import explain_disk_errors


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling with the suffix of `path`, which replaces `path` when the block ends without error.

    The folder is made where it is missing. After an error the old content is still there, and nothing else.

    Raises:
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    # The name is fixed: the next write overwrites what a killed process left, so leftovers cannot accumulate.
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    with explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _flush(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises:
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
