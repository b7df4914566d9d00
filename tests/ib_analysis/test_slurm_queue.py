"""Jobs of a killed run are named, and of a run that ends cancelled; without any, or without SLURM, nothing happens."""

import pytest

from ib_analysis.errors import UserError
from ib_analysis.slurm_queue import cancel_jobs, demand_empty_queue


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A start of Snakemake with a run ID, or without SLURM, while the queue holds jobs by the name of their run."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def start(name: str | None, **queue: str) -> None:
        lines = "\n".join(f'{held}) echo "{numbers}" ;;' for held, numbers in queue.items())
        squeue = tmp_path / "squeue"
        squeue.write_text(
            f'#!/bin/sh\ncase "$5" in\n{lines}\nbroken) echo "no controller" >&2; exit 1 ;;\nesac\n'
        )
        squeue.chmod(0o755)
        log = tmp_path / "snakemake.log"
        log.write_text("Building DAG of jobs...\n" + (f"SLURM run ID: {name}\n" if name else ""))
        demand_empty_queue(tmp_path / "scratch/slurm-run", [str(log)])

    return start


def test_a_run_without_slurm_asks_and_records_nothing(run, tmp_path):
    run(None, first="12")
    assert not (tmp_path / "scratch").exists()


def test_jobs_of_the_run_before_are_named_until_they_have_ended(run):
    run("first")
    for _ in range(2):
        with pytest.raises(UserError, match=r"`scancel 12 13_4`, or wait"):
            run("second", first="12 13_4")
    run("third")
    with pytest.raises(UserError, match="scancel 15"):
        run("fourth", third="15", first="12")


def test_jobs_of_other_experiments_are_nobodys_business(run):
    run("first")
    run("second", other="12")


def test_a_squeue_that_does_not_answer_is_said(run):
    run("broken")
    with pytest.raises(UserError, match=r"squeue does not answer.*no controller"):
        run("second")


def test_what_a_run_that_ends_leaves_in_the_queue_is_cancelled_and_nothing_else(run, tmp_path):
    cancelled = tmp_path / "cancelled"
    scancel = tmp_path / "scancel"
    scancel.write_text(f'#!/bin/sh\necho "$@" >> {cancelled}\n')
    scancel.chmod(0o755)
    log = str(tmp_path / "snakemake.log")
    run(None, first="12")
    cancel_jobs([log])
    run("first", other="14")
    cancel_jobs([log])
    assert not cancelled.exists()
    run("second", second="12 13", other="14")
    cancel_jobs([log])
    assert cancelled.read_text() == "12 13\n"
