"""Mini-batches: which images, in which order, and read ahead of their use."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
_LAST = object()


@dataclass(frozen=True)
class _Failure:
    """An exception on its way from the reader to whoever waits."""

    error: BaseException


def epoch_batches(
    n: int, batch_size: int, seed: int, epoch: int, drop_last: bool = False
) -> Iterator[NDArray[np.int64]]:
    """The rows 0..n-1 in the order of that epoch, cut into batches.

    The permutation depends on (seed, epoch) alone, so that a training which resumes at an epoch sees the same
    batches as one that was never interrupted.

    >>> sorted(int(row) for batch in epoch_batches(5, 2, seed=0, epoch=3) for row in batch)
    [0, 1, 2, 3, 4]
    >>> [len(batch) for batch in epoch_batches(5, 2, seed=0, epoch=3, drop_last=True)]
    [2, 2]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size {batch_size}: must be at least 1")
    rows = np.random.default_rng([seed, epoch]).permutation(n)
    end = n - n % batch_size if drop_last else n
    for start in range(0, end, batch_size):
        yield rows[start : min(start + batch_size, end)]


def prefetch(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """The same items in the same order, up to `depth` of them read ahead by one background thread.

    An exception of `items` is raised where its item would have come. Closing this iterator (a `break`, an
    exception in the loop) stops the thread and closes `items`.
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
        while reader.is_alive():  # it may be waiting for room in the queue
            with suppress(Empty):
                queue.get(timeout=0.01)
        reader.join()


def _read_ahead(items: Iterable[Any], queue: "Queue[Any]", stop: threading.Event) -> None:
    """Fill the queue until the items end, fail, or nobody wants them any more."""
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
