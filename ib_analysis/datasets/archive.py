"""Safe unpacking of an untrusted archive."""

import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from decoders.training.disk import explain_disk_errors
from decoders.training.progress import progress
from ib_analysis.errors import UserError


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a tar archive (plain, gz, bz2 or xz) into the new folder `folder`, completely or not at all.

    A top-level folder with the name of `folder` is removed from the paths.

    Raises:
        UserError: a member would be written outside the folder, or is a link or a device; the archive is
            damaged.
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    with explain_disk_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        try:
            _extract(archive, partial)
            inner = partial / folder.name
            os.replace(inner if inner.is_dir() else partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _extract(archive: Path, folder: Path) -> None:
    """Extracts the members one by one without keeping their list, whose size grows with their number."""
    folder.mkdir()
    try:
        with tarfile.open(archive, "r:*") as tar:  # stream mode ("r|*") would not detect a truncated gz
            for member in progress(_members(tar), f"unpacking {archive.name}"):
                _refuse_escape(archive, member, folder)
                tar.extract(member, folder, filter="data")
            _require_end(tar)
    except (tarfile.TarError, EOFError, zlib.error, LZMAError) as error:
        reason = str(error).partition(":\n")[0]  # drop tarfile's list of attempted formats
        raise UserError(f"{archive}: damaged archive ({reason}); remove it and download it again") from error


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members one by one; tarfile's cache of members is cleared after each."""
    while (member := tar.next()) is not None:
        yield member
        vars(tar)["members"].clear()


def _require_end(tar: tarfile.TarFile) -> None:
    """Checks for the zero blocks at the end of a tar, which a file truncated between two members lacks."""
    file = tar.fileobj
    assert file is not None
    zeros = bytes(tarfile.BLOCKSIZE)
    if file.tell() - tar.offset != len(zeros) or file.read(len(zeros)) not in (b"", zeros):
        raise tarfile.ReadError("the end is missing")


def _refuse_escape(archive: Path, member: tarfile.TarInfo, folder: Path) -> None:
    """Accepts only regular files and folders below `folder`, the only members of image archives."""
    name = PurePosixPath(member.name.replace("\\", "/"))
    outside = name.is_absolute() or ".." in name.parts
    if outside or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{archive}: member {member.name!r} would be unpacked outside the folder; do not trust this archive"
        )
    if not (member.isreg() or member.isdir()):
        raise UserError(f"{archive}: member {member.name!r} is a link or a device; do not trust this archive")
