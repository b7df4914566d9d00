"""Progress with the time left, on a terminal as a bar and in a log as lines."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], label: str, total: int | None = None, initial: int = 0) -> "tqdm[T]":
    """A tqdm bar; in a log (no terminal) it writes a line every ten seconds instead of redrawing."""
    interval = 0.2 if sys.stderr.isatty() else 10.0
    return tqdm(items, desc=label, total=total, initial=initial, mininterval=interval, dynamic_ncols=True)
