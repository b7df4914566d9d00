"""Progress with the remaining time: a bar on a terminal, one line every ten seconds in a log."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


class LogLines:
    """Standard error for a log: every update of a bar becomes a line of its own."""

    def write(self, text: str) -> int:
        """Write the visible part of an update."""
        line = text.strip("\r\n ")
        return sys.stderr.write(f"{line}\n") if line else 0

    def flush(self) -> None:
        """Flush standard error."""
        sys.stderr.flush()


def progress(
    items: Iterable[T],
    label: str,
    *,
    total: int | None = None,
    unit: str = "it",
    initial: int = 0,
    quiet: bool = False,
) -> "tqdm[T]":
    """Wrap items in a progress bar: iterate over it, or call its `update` after each step.

    Args:
        items: what is counted.
        label: stands before the bar.
        total: number of items; by default their length.
        unit: word for one item.
        initial: items that an earlier, interrupted run completed.
        quiet: show nothing.
    """
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        desc=label,
        total=total,
        initial=initial,
        unit=unit,
        mininterval=0.2 if terminal else 10.0,
        dynamic_ncols=True,
        file=None if terminal else LogLines(),
        disable=quiet,
    )
