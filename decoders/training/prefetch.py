"""Items read ahead of their use by a background thread."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any, TypeVar

T = TypeVar("T")
_LAST = object()


@dataclass(frozen=True)
class _Failure:
    """An exception of the reader, on its way to the consumer."""

    error: BaseException


def prefetch(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """The same items in the same order, up to `depth` of them read ahead by one background thread.

    An exception in `items` is raised in place of its item. Closing this iterator (by a `break` or an exception in the
    loop) stops the thread and closes `items`.
    """
    if depth < 1:
        raise ValueError(f"depth {depth}: must be at least 1")
    queue: Queue[Any] = Queue(depth)
    stop = threading.Event()
    reader = threading.Thread(target=_read_ahead, args=(items, queue, stop), name="prefetch", daemon=True)
    reader.start()
    try:
        while (item := queue.get()) is not _LAST:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        stop.set()
        while reader.is_alive():  # it may be blocked on a full queue
            with suppress(Empty):
                queue.get(timeout=0.01)
        reader.join()


def _read_ahead(items: Iterable[Any], queue: "Queue[Any]", stop: threading.Event) -> None:
    """Fill the queue until the items end, fail, or the consumer stops."""
    try:
        for item in items:
            queue.put(item)
            if stop.is_set():
                break
        queue.put(_LAST)
    except BaseException as error:
        queue.put(_Failure(error))
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
