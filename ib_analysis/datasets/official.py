"""Locating the files of an official archive: unpacked, packed, or still to be downloaded."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from decoders.training.disk import explain_disk_errors
from ib_analysis.datasets.archive import unpack
from ib_analysis.datasets.checksum import require_md5
from ib_analysis.datasets.download import download
from ib_analysis.datasets.exclusive import exclusive
from ib_analysis.errors import UserError
from ib_analysis.surroundings import user_path

_SUFFIXES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar")


@dataclass(frozen=True)
class Official:
    """An archive as published by its authors.

    Attributes:
        title: name of the data set.
        url: address of the archive.
        md5: checksum of the archive.
        folder: name of the folder with its files.
        files: files or sub-folders that the folder must hold, with the published md5 if there is one.
    """

    title: str
    url: str
    md5: str
    folder: str
    files: dict[str, str | None] = field(default_factory=dict)

    @property
    def archive(self) -> str:
        """File name of the archive."""
        return self.url.rpartition("/")[2]


def cache_folder() -> Path:
    """$IB_ANALYSIS_DATA, or ~/.cache/ib-analysis."""
    named = os.environ.get("IB_ANALYSIS_DATA")
    return user_path(named or "~/.cache/ib-analysis")


def locate(official: Official, folder: str | None) -> Path:
    """The folder with the official files, after verification of every checksum.

    Search order: unpacked in `folder` (or `folder` itself), then packed in `folder` (or `folder` is the archive). An
    archive is unpacked beside itself, or in the cache if its folder is read-only. Without `folder` the cache is
    searched in the same way, and the archive is downloaded into it if it is missing.

    Raises:
        UserError: nothing is found, a file is missing or has a wrong checksum, or the download fails.
    """
    home = cache_folder() if folder is None else user_path(folder)
    files = _unpacked(official, home)
    if files is None:
        files = _from_archive(official, home, may_download=folder is None)
    _verify(official, files)
    return files


def _unpacked(official: Official, home: Path) -> Path | None:
    """`home` or its sub-folder, whichever first holds any of the files."""
    for candidate in (home / official.folder, home):
        if any((candidate / name).exists() for name in official.files):
            return candidate
    return None


def _from_archive(official: Official, home: Path, may_download: bool) -> Path:
    archive = next((path for path in _archives(official, home) if path.is_file()), None)
    if archive is None and not may_download:
        raise UserError(_absent(official, home))
    beside = home if home.is_dir() or may_download else home.parent
    room = beside if may_download or os.access(beside, os.W_OK) else cache_folder()
    with explain_disk_errors(room):
        room.mkdir(parents=True, exist_ok=True)
    with exclusive(room / f".{official.folder}.lock"):
        return _unpacked(official, room) or _unpack(official, archive or _download(official, room), room)


def _archives(official: Official, home: Path) -> Iterator[Path]:
    """Every possible path of the archive in `home`."""
    if home.name.endswith(_SUFFIXES):
        yield home
    stem = official.archive.removesuffix(".tar.gz")
    for name in dict.fromkeys((stem, official.folder)):
        yield from (home / f"{name}{suffix}" for suffix in _SUFFIXES)


def _absent(official: Official, home: Path) -> str:
    state = "holds neither" if home.is_dir() else "does not exist, so it holds neither"
    return (
        f"folder {home}: {state} {official.archive} nor the folder {official.folder}; put one of them there "
        f"(from {official.url}), or omit `folder` to download {official.title}"
    )


def _download(official: Official, room: Path) -> Path:
    archive = room / official.archive
    if not archive.is_file():
        try:
            download(official.url, archive, official.md5)
        except UserError as error:
            raise UserError(
                f"{official.title} is not in {room} and its download failed ({error}); without a connection, "
                f"put {official.archive} or the folder {official.folder} into {room}, or name a folder that "
                "holds either in `folder`"
            ) from error
    return archive


def _unpack(official: Official, archive: Path, room: Path) -> Path:
    if (
        archive.name == official.archive
    ):  # other packings have no published checksum, but their files are verified
        require_md5(archive, official.md5, "remove it and run again to download it anew")
    folder = room / official.folder
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder}: holds none of the files of {official.title}; remove it and run again")
    unpack(archive, folder)
    return folder


def _verify(official: Official, files: Path) -> None:
    for name, md5 in official.files.items():
        if not (files / name).exists():
            raise UserError(
                f"{files}: {name} of {official.title} is missing; remove the folder and unpack "
                f"{official.archive} again"
            )
        if md5 is not None and not (files / name).is_file():
            raise UserError(
                f"{files / name}: is a folder, and {official.title} is read from the files of {official.archive}; put "
                "that archive there, or take `kind: image_folder` for a folder of images"
            )
        if md5 is not None:
            require_md5(files / name, md5, f"remove it and unpack {official.archive} again")
