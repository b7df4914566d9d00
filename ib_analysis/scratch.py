"""Scratch folders: intermediate results of a job, which Snakemake does not delete.

Snakemake deletes the declared outputs of a job before it runs the job again. A scratch folder is named in `params` and
is no output. So saved states and fitted decoders survive an error, a `kill -9` and a change of another job.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ib_analysis.errors import UserError


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
