"""Progress with the time left: a bar on a terminal, a line every ten seconds in a log."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


class LogLines:
    """Standard error for a log: each redraw of a bar becomes a line of its own."""

    def write(self, text: str) -> int:
        """Write what is visible of a redraw."""
        line = text.strip("\r\n ")
        return sys.stderr.write(f"{line}\n") if line else 0

    def flush(self) -> None:
        """Hand over what was written."""
        sys.stderr.flush()


def progress(items: Iterable[T], label: str, total: int | None = None, initial: int = 0) -> "tqdm[T]":
    """A tqdm bar; in a log (no terminal) it writes a line every ten seconds instead of redrawing."""
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        desc=label,
        total=total,
        initial=initial,
        mininterval=0.2 if terminal else 10.0,
        dynamic_ncols=True,
        file=None if terminal else LogLines(),
    )
