"""What a run prints: one line a job, with the time left for the whole; what a job itself says stands in its log.

A handler of Snakemake's own logger, in place of the one that prints. Snakemake's log file keeps everything.
"""

import logging
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from snakemake_interface_logger_plugins.common import LogEvent

from ib_analysis.run_plan import RunPlan, duration, kind_of_job

PRINTS = "DefaultStreamHandler"
"""The name of the handler that Snakemake prints by."""
KEPT = ("Nothing to be done", "Complete log", "Will exit after finishing")
"""Beginnings of the sentences of Snakemake that a reader still needs."""
LOG_LINES = 30
"""Last lines of the log of a failed job that are printed."""
NO_ROOM = 1 << 20
"""Free bytes of a disk below which an empty log is taken for one that did not fit."""
OF_A_CALL = "\n    sbatch call:"
"""Where the words of sbatch end and its call begins, which is as long as the whole command."""
PLACES = ("study", "piece", "case", "test", "group", "encoder", "regime", "seed", "epoch")
WORDED = ("seed", "epoch")


@dataclass
class RunningJob:
    """A job between its start and its end."""

    rule: str
    words: str
    logs: Sequence[str]
    started: float


class JobLines(logging.Handler):
    """Prints the plan of a run, a line for each finished job, and the log of a job that fails.

    Args:
        plan: makes the plan from the numbers of jobs by rule.
        formatter: Snakemake's own, for warnings and errors.
        stream: where to print.
        clock: seconds.
    """

    def __init__(
        self,
        plan: Callable[[Mapping[str, int]], RunPlan],
        formatter: logging.Formatter | None,
        stream: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.make_plan, self.stream, self.clock = plan, stream, clock
        self.setFormatter(formatter)
        self.plan: RunPlan | None = None
        self.jobs: dict[int, RunningJob] = {}
        self.ended = 0
        self.spent: dict[str, list[float]] = {}
        self.begun = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Print what a reader needs of one record of Snakemake's logger."""
        try:
            self._take(record)
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)

    def _take(self, record: logging.LogRecord) -> None:
        takers: dict[Any, Callable[[logging.LogRecord], None]] = {
            LogEvent.RUN_INFO: self._announce,
            LogEvent.JOB_INFO: self._begin,
            LogEvent.JOB_FINISHED: self._finish,
            LogEvent.JOB_ERROR: self._fail,
        }
        taker = takers.get(getattr(record, "event", None))
        if taker is not None:
            taker(record)
        elif record.levelno >= logging.WARNING or str(record.msg).startswith(KEPT):
            self._print(self.format(record))

    def _announce(self, record: logging.LogRecord) -> None:
        if self.plan is None:
            jobs = {
                rule: count for rule, count in vars(record)["stats"].items() if rule not in ("all", "total")
            }
            self.plan = self.make_plan(jobs)
            self._print(f"{self.plan.table()}\n")
            self.begun = self.clock()

    def _begin(self, record: logging.LogRecord) -> None:
        facts = vars(record)
        words = " ".join([facts["rule_name"].replace("_", " "), *_place(facts["wildcards"] or {})])
        kind = kind_of_job(facts["rule_name"], (facts["wildcards"] or {}).get("study"))
        self.jobs[facts["jobid"]] = RunningJob(kind, words, facts["log"] or (), self.clock())

    def _finish(self, record: logging.LogRecord) -> None:
        job = self.jobs.pop(vars(record)["job_id"], None)
        if job is None or self.plan is None or job.rule not in self.plan.jobs:
            return
        self.ended += 1
        self.spent.setdefault(job.rule, []).append(self.clock() - job.started)
        count = sum(self.plan.jobs.values())
        took = duration(self.spent[job.rule][-1])
        self._print(
            f"{self.ended:>{len(str(count))}}/{count}  {job.words:<62} {took:>8}   {self._left()}".rstrip()
        )

    def _left(self) -> str:
        """The time left, by the jobs that ended: how fast they went, and how much of the foreseen work they were."""
        plan = self.plan
        if plan is None or self.ended == sum(plan.jobs.values()):
            return ""
        each = {rule: self._of_job(rule) for rule in plan.jobs}
        whole = sum(count * each[rule] for rule, count in plan.jobs.items())
        done = sum(sum(times) for times in self.spent.values())
        done += sum(min(self.clock() - job.started, each.get(job.rule, 0.0)) for job in self.jobs.values())
        elapsed = self.clock() - self.begun
        return f"about {duration(elapsed * max(whole - done, 0.0) / done)} left" if done > 0 else ""

    def _of_job(self, rule: str) -> float:
        """Seconds of a job of the rule: the mean of those that ended, or as foreseen, or as little as a start."""
        times = self.spent.get(rule)
        if times:
            return sum(times) / len(times)
        return self.plan.seconds.get(rule, self.plan.start or 1.0) if self.plan else 1.0

    def _fail(self, record: logging.LogRecord) -> None:
        facts = vars(record)
        job = self.jobs.pop(facts["jobid"], None)
        self._print(f"FAILED  {job.words if job else facts['rule_name']}")
        if message := facts.get("rule_msg"):
            self._print(textwrap.indent(message.split(OF_A_CALL)[0], "  "))
        for path in facts["log"] or ():
            file = Path(str(path).split(" (", 1)[0])
            if file.exists():
                self._print("\n".join([f"  {file} ends:", *(f"    {line}" for line in _last_lines(file))]))

    def _print(self, text: str) -> None:
        self.stream.write(f"{text}\n")
        self.stream.flush()


def _last_lines(log: Path) -> list[str]:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines and shutil.disk_usage(log.parent).free < NO_ROOM:
        return ["nothing, for the disk is full: make room there and run again, finished work is kept."]
    return lines[-LOG_LINES:]


def _place(wildcards: Mapping[str, Any]) -> list[str]:
    """The address of a job in words; the variant only where it is not the measurement."""
    words = [
        f"{name} {wildcards[name]}" if name in WORDED else str(wildcards[name])
        for name in PLACES
        if name in wildcards
    ]
    variant = wildcards.get("variant", "measurement")
    return words if variant == "measurement" else [*words, f"({variant})"]


def print_one_line_a_job(logger: logging.Logger, plan: Callable[[Mapping[str, int]], RunPlan]) -> None:
    """Replace Snakemake's printing handler, unless it is not there: another plugin prints then."""
    for handler in list(logger.handlers):
        if handler.name == PRINTS:
            lines = JobLines(plan, handler.formatter, getattr(handler, "stream", sys.stderr))
            logger.removeHandler(handler)
            logger.addHandler(lines)
