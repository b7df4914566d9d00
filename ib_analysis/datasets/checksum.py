"""Checksums of files: is this the official archive, whole and unchanged?"""

import hashlib
from pathlib import Path

from ib_analysis.errors import UserError


def md5_of(path: Path) -> str:
    """The md5 of a file, read in chunks; it tells damage from health and is no defence against forgery."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def require_md5(path: Path, md5: str, remedy: str) -> None:
    """Refuse a file whose md5 is another.

    Raises:
        UserError: names the file, both sums and the remedy.
    """
    found = md5_of(path)
    if found != md5:
        raise UserError(f"{path}: md5 is {found} where the official file has {md5}; {remedy}")
