"""One measured figure, and how it is timed: everything is a ratio within one run, medians of interleaved repeats."""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch


class Measurement(NamedTuple):
    """A figure beside its goal (None where there is none) and the command that measures it."""

    name: str
    value: float
    unit: str
    goal: float | None
    command: str


def seconds(action: Callable[[], object], repeats: int = 1) -> float:
    """Wall-clock seconds of one call, the mean over `repeats` calls in a row."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / repeats


def interleaved_seconds(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each action, taken in turn, so that a busy machine slows all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for action in actions.values():
        action()
    for _ in range(rounds):
        for name, action in actions.items():
            times[name].append(seconds(action))
    return {name: statistics.median(values) for name, values in times.items()}


def print_table(rows: Iterable[Measurement]) -> None:
    """Name, value, unit and goal, one figure a line."""
    for row in rows:
        goal = "" if row.goal is None else f"goal {row.goal:g}"
        print(f"{row.name:44} {row.value:12.4g} {row.unit:22} {goal}")


def arguments(description: str) -> argparse.Namespace:
    """--quick and --device."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()
