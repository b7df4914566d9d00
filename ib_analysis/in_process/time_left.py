"""Progress over all tasks, with the time left: a bar on a terminal, a line a task elsewhere."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

from tqdm import tqdm

from ib_analysis.in_process.task import Task
from ib_analysis.run_plan import duration

BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"
TOLD = 0.01
"""Share of the work that must be done before the time left is judged by it."""
LONGEST_LINE = 60
"""Letters of what a stage says that are shown beside the bar."""


class TimeLeft:
    """Counts the work of tasks; the time left is judged by that of the tasks that ran."""

    def __init__(self, tasks: Sequence[Task], logs: Path) -> None:
        self.stream = sys.stderr
        self.terminal = self.stream.isatty()
        self.tasks, self.logs = len(tasks), logs
        self.work = sum(task.work for task in tasks)
        self.began, self.done, self.number = monotonic(), 0.0, 0
        self.bar: tqdm[Any] = tqdm(
            total=self.work, bar_format=BAR, file=self.stream, disable=not self.terminal, dynamic_ncols=True
        )

    @contextmanager
    def running(self, task: Task) -> Iterator[None]:
        """Show the task; what its stage says goes into its log."""
        self.number += 1
        self.bar.set_description(task.name)
        if not self.terminal:
            self._say(f"{self.number} of {self.tasks}, {self._times()}: {task.name}")
        log = self.logs / f"{task.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as file:
            both = _Log(file, self.bar)
            with redirect_stdout(both), redirect_stderr(both):
                yield
        self.done += task.work
        self.bar.set_postfix_str("")
        self.bar.update(task.work)

    def skip(self, task: Task) -> None:
        """Count a task that need not run."""
        self.number += 1
        self.work -= task.work
        self.bar.total = self.work
        self.bar.refresh()

    def close(self) -> None:
        """End the bar."""
        self.bar.close()
        if not self.terminal:
            self._say(f"done, {duration(monotonic() - self.began)}")

    def _times(self) -> str:
        elapsed = monotonic() - self.began
        if self.done < TOLD * self.work:
            return f"{duration(elapsed)} elapsed"
        left = elapsed / self.done * (self.work - self.done)
        return f"{duration(elapsed)} elapsed, about {duration(left)} left"

    def _say(self, line: str) -> None:
        print(f"ib-analysis: {line}", file=self.stream, flush=True)


class _Log(io.TextIOBase):
    """A log whose last line stands beside the bar."""

    def __init__(self, file: TextIO, bar: "tqdm[Any]") -> None:
        self.file, self.bar = file, bar

    def write(self, text: str) -> int:
        self.file.write(text)
        self.file.flush()
        if line := text.strip():
            self.bar.set_postfix_str(line.splitlines()[-1][:LONGEST_LINE])
        return len(text)
