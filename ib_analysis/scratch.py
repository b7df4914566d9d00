"""Scratch folders: intermediate results of a job, which Snakemake does not delete.

Snakemake deletes the declared outputs of a job before it runs the job again. A scratch folder is named in `params` and
is no output. So saved states and fitted decoders survive an error, a `kill -9` and a change of another job.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from ib_analysis.artefacts import sha256, write_json
from ib_analysis.errors import UserError

KEPT = "kept.json"


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Lock the folder for this process; the operating system releases the lock when the process ends.

    Raises:
        UserError: another process holds the lock, or the file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise UserError(
                f"{folder} is in use by process {owner}, perhaps left over from a killed run: "
                "wait until it has finished, or end it, and run again."
            ) from None
        except OSError as error:
            raise UserError(
                f"{folder}: its file system refuses to lock a file ({error.strerror}), without which two jobs could "
                "write into one another: put the results where flock works (Lustre: mounted with -o flock)."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield folder


def keep(folder: Path, *names: str) -> None:
    """Mark the files of a folder as finished work that a later run may use, with the SHA-256 of each."""
    write_json(folder / KEPT, {name: sha256(folder / name) for name in names})


def is_kept(folder: Path) -> bool:
    """Whether a folder holds finished work as it was kept.

    Work that is damaged is removed: the outputs are hard links to it, so what spoils one of them spoils it as well.
    """
    if not (folder / KEPT).exists():
        return False
    try:
        kept = json.loads((folder / KEPT).read_text(encoding="utf-8"))
        whole = all(sha256(folder / name) == known for name, known in kept.items())
    except (OSError, ValueError, AttributeError):
        whole = False
    if not whole:
        print(f"{folder} is damaged: the finished work in it is removed and made again")
        rmtree(folder)
    return whole
