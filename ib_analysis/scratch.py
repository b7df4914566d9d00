"""Scratch folders: what a job has got so far, in a place that Snakemake neither knows nor deletes.

Snakemake deletes a job's declared outputs before it runs again. A scratch folder is named in `params` and is no
output, so unfinished states and finished pieces survive a failure, a `kill -9` and a changed neighbour.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ib_analysis.errors import UserError


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """The folder, owned by this process alone; the lock goes with the process, however it ends."""
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
