"""The jobs that a run leaves in SLURM's queue: they would remove and write what the next run reads."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ib_analysis.artefacts import write_text
from ib_analysis.errors import UserError

_RUN = re.compile(r"^SLURM run ID: (\S+)$", re.MULTILINE)
"""How snakemake-executor-plugin-slurm says in Snakemake's log what its jobs are called."""


def demand_empty_queue(record: Path, logs: Iterable[str]) -> None:
    """Make sure that no earlier run has jobs in the queue, and record this run; without SLURM nothing happens.

    Args:
        record: the file that holds the name of the latest run's jobs.
        logs: the files of Snakemake's log of this run.

    Raises:
        UserError: SLURM holds jobs of the recorded run, or does not answer.
    """
    runs = _runs_in(logs)
    if not runs:
        return
    if record.is_file() and (left := _jobs_called(record.read_text(encoding="utf-8").strip())):
        raise UserError(
            f"SLURM still holds jobs of an earlier run of this experiment, which is running or was killed: "
            f"end them with `scancel {' '.join(left)}`, or wait until they have ended, and run again."
        )
    write_text(record, f"{runs[-1]}\n")


def cancel_jobs(logs: Iterable[str]) -> None:
    """Cancel the jobs that a run which has ended left in the queue; without SLURM nothing happens.

    Snakemake cancels the jobs that it knows of. It does not know a job that was submitted while Ctrl-C was pressed, nor
    any job while it asks for the state of all.

    Args:
        logs: the files of Snakemake's log of this run.

    Raises:
        UserError: SLURM does not answer.
    """
    left = [number for name in _runs_in(logs) for number in _jobs_called(name)]
    if left:
        subprocess.run(["scancel", *left], check=False)


def _runs_in(logs: Iterable[str]) -> list[str]:
    """The names of the jobs of the runs that wrote these logs."""
    return [name for log in logs for name in _RUN.findall(Path(log).read_text(encoding="utf-8"))]


def _jobs_called(name: str) -> list[str]:
    """The numbers of the jobs of that name that wait or run."""
    query = ["squeue", "--noheader", "--format", "%i", "--name", name]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise UserError(f"squeue does not answer, so SLURM can start no job: {answer.stderr.strip()}")
    return answer.stdout.split()
