"""A real SLURM on this machine, and a laboratory that submits to it; skipped where SLURM cannot be started."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

SCRIPT = Path(__file__).with_name("single_node_slurm.sh")
SLOW_SAVES = (
    'time.sleep(float(os.environ.get("SECONDS_A_SAVE", "0")))\n'
    '        with open("saves.txt", "a") as saves:\n'
    '            saves.write(os.environ.get("SLURM_JOB_ID", "none") + f" {self.path}\\n")\n'
)


@dataclass(frozen=True)
class SlurmJob:
    """A job that has ended, as SLURM itself recorded it."""

    number: str
    state: str
    memory: int
    submitted: datetime
    started: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        return (self.ended - self.started).total_seconds()


@dataclass(frozen=True)
class Slurm:
    """A SLURM of one node with two fake GPUs."""

    folder: Path

    def ended_jobs(self) -> list[SlurmJob]:
        file = self.folder / "jobs.txt"
        return [_job(line) for line in file.read_text().splitlines()] if file.exists() else []

    def queue(self) -> dict[str, str]:
        """The states of the jobs that wait or run, by number."""
        command = ["squeue", "--noheader", "--format", "%i %T"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return dict(line.split() for line in lines)

    def cancel_all(self) -> None:
        """Ends every job."""
        for number in self.queue():
            subprocess.run(["scancel", number], check=False)
        self.wait_until_empty()

    def wait_until_empty(self, seconds: float = 60) -> None:
        """Waits for the jobs that are ending."""
        deadline = time.monotonic() + seconds
        while self.queue():
            assert time.monotonic() < deadline, f"still in the queue: {self.queue()}"
            time.sleep(0.3)


def _job(line: str) -> SlurmJob:
    fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
    requests = dict(item.split("=") for item in fields["Tres"].split(","))
    times = (datetime.fromisoformat(fields[name]) for name in ("SubmitTime", "StartTime", "EndTime"))
    memory = requests["mem"]
    megabytes = int(float(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]])
    return SlurmJob(fields["JobId"], fields["JobState"], megabytes, *times)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    if find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("snakemake-executor-plugin-slurm is not installed: run `make test-cluster`.")
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run([str(SCRIPT), "start", str(folder)], stderr=subprocess.PIPE, text=True)
    try:
        if started.returncode != 0:
            pytest.skip(started.stderr.strip())
        yield Slurm(folder)
    finally:
        subprocess.run([str(SCRIPT), "stop", str(folder)], check=True)


@pytest.fixture(scope="session")
def submitting(slurm: Slurm, new_laboratory: Callable[[], Any]) -> Any:
    """A laboratory whose profiles are those of a cluster without real GPUs, and whose saves can be made slow.

    Every job notes its SLURM job and its GPUs in gpus.txt, every save of a state in saves.txt.
    """
    laboratory = new_laboratory()
    for profile in ("slurm", "slurm-cpu"):
        path = laboratory.folder / "workflow/profiles" / profile / "config.yaml"
        settings = yaml.safe_load(path.read_text())
        settings |= {"cores": 1, "latency-wait": 5, "slurm-init-seconds-before-status-checks": 2}
        settings["default-resources"] |= {"device": "cpu", "device_threads": 1, "device_runtime": 60}
        path.write_text(yaml.safe_dump(settings))
    note = 'printenv SLURM_JOB_ID CUDA_VISIBLE_DEVICES | paste -sd" " >> gpus.txt; set -euo pipefail'
    laboratory.edit("workflow/rules/common.smk", "set -euo pipefail", note)
    saved_state = "decoders/training/saved_state.py"
    laboratory.edit(saved_state, "SAVE_EVERY_SECONDS = 30.0", "SAVE_EVERY_SECONDS = 0.0")
    writing = "with replacing(self.path) as temporary"
    laboratory.edit(saved_state, writing, f"{SLOW_SAVES}        {writing}")
    return laboratory
