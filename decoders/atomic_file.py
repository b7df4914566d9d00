"""Files that are whole or absent: written under a temporary name, then moved into place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from decoders.errors import DecoderFileError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` once it is on the disk; else nothing is left behind.

    Raises:
        DecoderFileError: the file cannot be written (full disk, missing folder, no permission).
    """
    # One name for all: what a killed process left behind is overwritten, not piled up.
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise DecoderFileError(
            f"{path} could not be written ({error.strerror or error}); free the disk or check the folder, "
            "and run again: nothing that was there has been lost"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
