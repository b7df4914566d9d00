"""A file that ends with the checksum of what stands before, for formats that ignore what follows their end."""

import hashlib
from pathlib import Path

_BLOCK = 1 << 20
_LENGTH = hashlib.sha256().digest_size


def append_checksum(path: Path) -> None:
    """Put the SHA-256 of a file at its end."""
    digest, _ = _digest(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(digest)


def has_its_checksum(path: Path) -> bool:
    """Whether a file ends with the SHA-256 of what stands before: no bit has changed since, and none is missing."""
    size = path.stat().st_size - _LENGTH
    if size < 0:
        return False
    digest, rest = _digest(path, size)
    return digest == rest


def _digest(path: Path, size: int) -> tuple[bytes, bytes]:
    """The SHA-256 of the first bytes of a file, read in blocks, and what follows them."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size:
            block = file.read(min(_BLOCK, size))
            if not block:
                break
            digest.update(block)
            size -= len(block)
        return digest.digest(), file.read(_LENGTH + 1)
