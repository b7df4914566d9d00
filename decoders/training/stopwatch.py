"""Seconds of a fit, over all its runs, and the part of them spent on data."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Accumulates the seconds of a fit; `seconds_in_data` counts those spent on fetching batches.

    Args:
        device: where the fit runs. On a GPU a time is taken after the device has finished its queue: without that it
            would be the time in which work is queued.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds = self.seconds_in_data = 0.0
        self._last = time.monotonic()

    def restart(self) -> None:
        """Leave out the time since the last tick."""
        self._last = time.monotonic()

    def tick(self) -> None:
        """Add the time since the last tick."""
        now = time.monotonic()
        self.seconds, self._last = self.seconds + now - self._last, now

    @contextmanager
    def time_data(self, weight: int = 1) -> Iterator[None]:
        """Add the time of the block to `seconds_in_data`, `weight` times: it stands for so many batches."""
        self._wait_for_device()
        start = time.monotonic()
        yield
        self._wait_for_device()
        self.seconds_in_data += (time.monotonic() - start) * weight

    def _wait_for_device(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
