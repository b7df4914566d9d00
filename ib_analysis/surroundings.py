"""What a process meets around it and must not depend on: a notebook's settings, a terminal, a closed pipe, a home."""

import os
import sys
from pathlib import Path

from ib_analysis.errors import UserError

CLOSED_PIPE = 141
"""Exit code of a process whose reader has gone, as a shell reports SIGPIPE."""


def settle_surroundings() -> None:
    """Make the process independent of them; call it before matplotlib is imported.

    Figures are drawn into files: a Jupyter kernel exports a backend of its own (MPLBACKEND), which this environment
    need not have. Letters that a terminal cannot show are written as escapes.
    """
    os.environ["MPLBACKEND"] = "agg"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def in_one_line(text: str) -> str:
    r"""The text with escapes for what is no letter of a line: names of files may hold ends of lines and commands.

    >>> print(in_one_line("a\nb.png\x1b[2J, é"))
    a\nb.png\x1b[2J, é
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def drop_output() -> None:
    """Send what is still to be written nowhere, after the reader of a pipe has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def user_path(text: str) -> Path:
    """The path that a user wrote, `~` expanded.

    Raises:
        UserError: it starts with `~`, and the machine knows no home folder.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UserError(
            f"{text}: this machine knows no home folder for ~; write the whole path, or set HOME."
        ) from None
