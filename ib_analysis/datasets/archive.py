"""Unpacking an archive that may come from anywhere."""

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
    """Unpack a tar archive (plain, gz, bz2 or xz) as the new folder `folder`, all of it or nothing.

    A top folder that bears the name of `folder` is stripped.

    Raises:
        UserError: a member would be written outside the folder, or is a link or a device; the archive is
            damaged.
        DiskError: the disk is full, or permission is denied.
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
    """Every member in turn; the list of members is not kept, for it grows with their number."""
    folder.mkdir()
    try:
        with tarfile.open(archive, "r:*") as tar:  # as a stream ("r|*") a truncated gz would just end early
            for member in progress(_members(tar), f"unpacking {archive.name}"):
                _refuse_escape(archive, member, folder)
                tar.extract(member, folder, filter="data")
            _require_end(tar)
    except (tarfile.TarError, EOFError, zlib.error, LZMAError) as error:
        reason = str(error).partition(":\n")[0]  # tarfile lists every format that it tried
        raise UserError(f"{archive}: damaged archive ({reason}); remove it and fetch it again") from error


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members in turn, each forgotten once it was served."""
    while (member := tar.next()) is not None:
        yield member
        vars(tar)["members"].clear()


def _require_end(tar: tarfile.TarFile) -> None:
    """A tar ends in blocks of zeros, of which one was read; one cut between two members has none."""
    file = tar.fileobj
    assert file is not None
    zeros = bytes(tarfile.BLOCKSIZE)
    if file.tell() - tar.offset != len(zeros) or file.read(len(zeros)) not in (b"", zeros):
        raise tarfile.ReadError("its end is missing")


def _refuse_escape(archive: Path, member: tarfile.TarInfo, folder: Path) -> None:
    """Only plain files and folders below `folder`: image archives hold nothing else."""
    name = PurePosixPath(member.name.replace("\\", "/"))
    outside = name.is_absolute() or ".." in name.parts
    if outside or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{archive}: its member {member.name!r} would unpack outside of its folder; do not trust it"
        )
    if not (member.isreg() or member.isdir()):
        raise UserError(f"{archive}: its member {member.name!r} is a link or a device; do not trust it")
