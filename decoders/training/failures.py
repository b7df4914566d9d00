"""One sentence for failures that are none of the program: the operating system's, a reader's and the allocator's."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from decoders.errors import DecoderError, DecoderFileError
from decoders.training.disk import FULL, REMEDIES, DiskError, explain_disk_errors

LESS_MEMORY = "lower batch_size, or run fewer jobs at once"
# How torch, oneDNN, the C++ library, Python's threads and the loader of libraries say that there is no memory, in an
# error without a type of its own.
_NO_MEMORY = (
    "can't allocate memory",
    "out of memory",
    "cannot allocate memory",
    "bad_alloc",
    "memory object",
    "could not create a primitive",
    "can't start new thread",
    "failed to map segment",
)
_NO_EXCEPTION = re.compile("without (exception set|setting an exception)")
"""How Python says, in a SystemError, that there was no memory even for the exception."""


class MemoryExhaustedError(DecoderError):
    """An allocation fails; the message is one sentence that says what to do."""


@contextmanager
def explain_failures(place: Path | str, advice: str = LESS_MEMORY) -> Iterator[None]:
    """Turn a refused file and a failed allocation into a sentence; what the program itself does wrong passes.

    Args:
        place: the file or folder that the block writes, for an error that names none.
        advice: what to do where the memory is full.

    Raises:
        DiskError: the operating system refuses a file.
        MemoryExhaustedError: an allocation fails.
    """
    with explain_disk_errors(place):
        try:
            yield
        except (MemoryError, RuntimeError, ImportError, SystemError) as error:
            if not is_out_of_memory(error):
                raise
            raise MemoryExhaustedError(f"the memory is full ({_first_line(error)}); {advice}") from error


@contextmanager
def reading(
    path: Path, wrong: str, remedy: str, refuse: Callable[[str], Exception] = DecoderFileError
) -> Iterator[None]:
    """Turn whatever a reader raises on the content of a file into one sentence with the file and the remedy.

    Readers of damaged files raise what their parsers happen to meet, so no list of exceptions is complete. The block
    must read and check the file, and nothing else.

    Args:
        path: the file.
        wrong: what it is then, such as "does not hold samples".
        remedy: what to do about it.
        refuse: makes the error of the sentence.

    Raises:
        Exception: made by `refuse`: the file is truncated, damaged or foreign.
        DiskError: the operating system refuses the file.
        MemoryExhaustedError: an allocation fails.
    """
    try:
        with explain_system_errors(path):
            yield
    except DiskError:
        raise
    except Exception as error:
        said = _first_line(error)
        if is_out_of_memory(error):
            raise MemoryExhaustedError(
                f"{path}: asks for more memory than there is ({said}); run fewer jobs at once, or, if it is damaged, "
                + remedy
            ) from error
        raise refuse(f"{path}: {wrong} ({said}); {remedy}") from error


@contextmanager
def explain_system_errors(path: Path) -> Iterator[None]:
    """`explain_disk_errors` for errors that the operating system numbers; those that a parser makes up pass."""
    try:
        yield
    except OSError as error:
        # safetensors, which is written in Rust, gives no number.
        number = errno.ENOENT if isinstance(error, FileNotFoundError) else error.errno
        if number not in FULL | REMEDIES.keys():
            raise
        with explain_disk_errors(path):
            raise OSError(number, os.strerror(number), error.filename or str(path)) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on the machine or on a GPU.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    True
    >>> is_out_of_memory(RuntimeError("shapes differ"))
    False
    """
    said = str(error).lower()
    if isinstance(error, SystemError):
        return bool(_NO_EXCEPTION.search(said))
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ImportError) and any(words in said for words in _NO_MEMORY)
    )


def _first_line(error: BaseException) -> str:
    """What the error says, but for numpy's advice to read what is no array as a pickle, unsafely."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "it is no array" if "allow_pickle" in said else said
