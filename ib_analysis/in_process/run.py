"""Runs tasks one after another in this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from decoders.training.failures import explain_failures
from ib_analysis.artefacts import verified_inputs
from ib_analysis.in_process.task import Task
from ib_analysis.in_process.time_left import TimeLeft
from ib_analysis.provenance import Job
from ib_analysis.scratch import locked


def run_tasks(tasks: Sequence[Task], root: Path, *, device: str, threads: int) -> None:
    """Run the tasks whose artefacts are not there as asked for; a second call after an interruption goes on.

    Settings of torch that stages change are put back: its generators, threads and gradient mode.

    Raises:
        UserError: a stage refuses its input, or another process writes into the same results.
        DiskError: the operating system refuses a file.
        MemoryExhaustedError: an allocation fails.
    """
    with explain_failures("the results"), locked(root / "scratch" / "in_process"), _own_settings():
        due = list(_due(tasks))
        if not due:
            return
        shown = TimeLeft(due, root / "logs")
        for task in due:
            if task.why_due() is None:  # made anew, its input is the same as before
                shown.skip(task)
                continue
            with shown.running(task):
                _run(task, device, threads)
        shown.close()


def _due(tasks: Sequence[Task]) -> Iterator[Task]:
    """The tasks that must run, and those that read what they make."""
    anew: set[Path] = set()
    for task in tasks:
        if task.why_due() or anew & set(task.read):
            anew |= set(task.made)
            yield task


def _run(task: Task, device: str, threads: int) -> None:
    run, paths = task.module.run, task.paths
    job = Job(task.stage, task.spec, task.code, device, threads, verified_inputs(run, paths))
    run(task.module.Spec(**task.spec), job, **paths)


@contextmanager
def _own_settings() -> Iterator[None]:
    """What a stage sets of torch holds for the block alone, and a caller's gradient mode does not reach the fits."""
    threads, tf32 = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32
    cudnn = torch.backends.cudnn.allow_tf32
    try:
        with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32, cudnn
