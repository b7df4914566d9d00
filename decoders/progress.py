"""Progress with the time left: a bar on a terminal, a line every ten seconds in a log."""

import sys
from typing import Any

from tqdm import tqdm


class LogLines:
    """Standard error for a log: each redraw of a bar becomes a line of its own."""

    def write(self, text: str) -> int:
        """Write what is visible of a redraw."""
        line = text.strip("\r\n ")
        return sys.stderr.write(f"{line}\n") if line else 0

    def flush(self) -> None:
        """Hand over what was written."""
        sys.stderr.flush()


def progress(total: int, label: str, unit: str, initial: int = 0, quiet: bool = False) -> "tqdm[Any]":
    """A bar to be advanced by hand; `initial` is what an earlier run has done already."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=initial,
        desc=label,
        unit=unit,
        mininterval=0.2 if terminal else 10.0,
        dynamic_ncols=True,
        file=None if terminal else LogLines(),
        disable=quiet,
    )
