"""Checksums that verify official archives."""

import hashlib
from pathlib import Path

from ib_analysis.errors import UserError


def md5_of(path: Path) -> str:
    """The md5 of a file, read in chunks; it detects damage but not forgery."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def require_md5(path: Path, md5: str, remedy: str) -> None:
    """Checks the md5 of a file.

    Raises:
        UserError: the md5 differs; the message names the file, both checksums and the remedy.
    """
    found = md5_of(path)
    if found != md5:
        raise UserError(f"{path}: md5 is {found}, that of the official file is {md5}; {remedy}")
