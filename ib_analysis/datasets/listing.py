"""What a user's files of images are, without reading an image: it is a part of the data set's identity."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path


def listing(folder: Path) -> str | None:
    """Digest of the names, sizes and times of change of all visible files at every depth; None without such a folder.

    Times count in whole seconds, which every file system and every archive keeps. Links are followed, but for one that
    leads back to a folder above it.
    """
    if not folder.is_dir():
        return None
    digest = hashlib.sha256()
    for line in sorted(_entries(folder, "", ())):
        digest.update(f"{line}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def listing_of_files(files: Sequence[Path]) -> str | None:
    """Digest of the names, sizes and times of change of these files, as of a folder; None where one is not there."""
    if not all(file.is_file() for file in files):
        return None
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{_entry(file.name, file.stat())}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _entry(name: str, about: os.stat_result) -> str:
    return f"{name} {about.st_size} {int(about.st_mtime)}"


def _entries(folder: Path, below: str, above: tuple[str, ...]) -> Iterator[str]:
    here = os.path.realpath(folder)
    if here in above:
        return
    with os.scandir(folder) as found:
        entries = [entry for entry in found if not entry.name.startswith(".")]
    for entry in entries:
        name = f"{below}{entry.name}"
        if entry.is_dir():
            yield from _entries(Path(entry), f"{name}/", (*above, here))
        elif entry.is_file():
            yield _entry(name, entry.stat())
