"""What a run prints, from the records that Snakemake logs."""

import io
import logging
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from ib_analysis.job_lines import JobLines, print_one_line_a_job
from ib_analysis.run_plan import RunPlan


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def printed():
    return io.StringIO()


@pytest.fixture
def lines(printed, clock):
    def plan(jobs):
        return RunPlan("mine", jobs, {}, {"fit_decoders": 100.0, "plot_figures": 10.0}, 1, "Intervals.")

    return JobLines(plan, logging.Formatter("%(message)s"), printed, clock)


def say(lines, message=None, level=logging.INFO, **facts):
    record = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    vars(record).update(facts)
    lines.handle(record)


def begin(lines, jobid, rule="fit_decoders", log=(), **wildcards):
    facts = {"jobid": jobid, "rule_name": rule, "wildcards": wildcards, "log": list(log)}
    say(lines, event=LogEvent.JOB_INFO, **facts)


def announce(lines, **jobs):
    say(lines, event=LogEvent.RUN_INFO, stats={**jobs, "all": 1, "total": sum(jobs.values()) + 1})


WHERE = {"variant": "decoder-seed-1", "encoder": "net", "regime": "classifier", "seed": "0", "epoch": "5"}


def test_a_line_a_job_with_the_time_left(lines, printed, clock):
    announce(lines, fit_decoders=3, plot_figures=1)
    assert "mine: what will be made" in printed.getvalue()
    begin(lines, 7, **WHERE)
    clock.now = 50.0
    say(lines, event=LogEvent.JOB_FINISHED, job_id=7)
    last = printed.getvalue().splitlines()[-1]
    assert last.split("   ")[0] == "1/4  fit decoders net classifier seed 0 epoch 5 (decoder-seed-1)"
    assert last.endswith("50 s   about 2 min left")  # two fits of 50 s and a figure of 10 s


def test_two_at_once_halve_the_time_left(lines, printed, clock):
    announce(lines, fit_decoders=4)
    begin(lines, 1, **WHERE)
    begin(lines, 2, **WHERE)
    clock.now = 40.0
    say(lines, event=LogEvent.JOB_FINISHED, job_id=1)
    say(lines, event=LogEvent.JOB_FINISHED, job_id=2)
    assert printed.getvalue().splitlines()[-1].endswith("about 40 s left")


def test_what_a_reader_does_not_need_is_not_printed(lines, printed):
    announce(lines, fit_decoders=1)
    before = printed.getvalue()
    for message in ("Building DAG of jobs...", "Select jobs to execute...", "Provided cores: 2"):
        say(lines, message)
    begin(lines, 1, **WHERE)
    say(lines, "python -m ib_analysis ...", event=LogEvent.SHELLCMD)
    say(lines, "1 of 2 steps", event=LogEvent.PROGRESS)
    assert printed.getvalue() == before


def test_warnings_and_the_end_are_printed(lines, printed):
    say(lines, "Nothing to be done (all requested files are present and up to date).")
    say(lines, "the clock is slow", logging.WARNING)
    assert printed.getvalue().splitlines()[1:] == ["the clock is slow"]
    assert printed.getvalue().startswith("Nothing to be done")


def test_a_failed_job_shows_the_end_of_its_log(lines, printed, tmp_path):
    log = tmp_path / "fit.log"
    log.write_text("".join(f"line {i}\n" for i in range(100)) + "ib-analysis: the disk is full.\n")
    announce(lines, fit_decoders=1)
    begin(lines, 1, log=[str(log)], **WHERE)
    facts = {"jobid": 1, "rule_name": "fit_decoders", "log": [str(log)]}
    say(lines, "Error in rule", logging.ERROR, event=LogEvent.JOB_ERROR, **facts)
    said = printed.getvalue()
    assert "FAILED  fit decoders net classifier seed 0 epoch 5 (decoder-seed-1)" in said
    assert "ib-analysis: the disk is full." in said
    assert "line 71" in said
    assert "line 70" not in said


def test_what_sbatch_says_of_a_job_is_shown_without_its_call(lines, printed):
    begin(lines, 1, **WHERE)
    message = "SLURM sbatch failed. The error message was 'no such partition'.\n    sbatch call:\n        sbatch --x"
    facts = {"jobid": 1, "rule_name": "fit_decoders", "log": [], "rule_msg": message}
    say(lines, "Error in rule", logging.ERROR, event=LogEvent.JOB_ERROR, **facts)
    assert "no such partition" in printed.getvalue()
    assert "--x" not in printed.getvalue()


@pytest.mark.parametrize(("free", "said"), [(4096, True), (1 << 30, False)])
def test_a_log_that_did_not_fit_on_a_full_disk_is_told(lines, printed, tmp_path, monkeypatch, free, said):
    log = tmp_path / "fit.log"
    log.touch()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    begin(lines, 1, log=[str(log)], **WHERE)
    facts = {"jobid": 1, "rule_name": "fit_decoders", "log": [str(log)], "rule_msg": None}
    say(lines, "Error in rule", logging.ERROR, event=LogEvent.JOB_ERROR, **facts)
    assert ("the disk is full: make room" in printed.getvalue()) == said


def test_jobs_that_were_not_planned_are_not_counted(lines, printed):
    announce(lines, fit_decoders=1)
    before = printed.getvalue()
    begin(lines, 9, "all")
    say(lines, event=LogEvent.JOB_FINISHED, job_id=9)
    assert printed.getvalue() == before


def test_it_takes_the_place_of_snakemakes_own_handler_alone():
    logger = logging.Logger("alone")
    own, file = logging.StreamHandler(), logging.NullHandler()
    own.name = "DefaultStreamHandler"
    logger.addHandler(own)
    logger.addHandler(file)
    print_one_line_a_job(logger, lambda jobs: None)
    assert own not in logger.handlers
    assert file in logger.handlers
    assert sum(isinstance(handler, JobLines) for handler in logger.handlers) == 1
    other = logging.Logger("another plugin")
    other.addHandler(file)
    print_one_line_a_job(other, lambda jobs: None)
    assert other.handlers == [file]


def test_a_job_of_unknown_time_counts_as_the_start_of_a_process(printed, clock):
    def plan(jobs):
        return RunPlan("mine", jobs, {}, {"fit_decoders": 100.0}, 1, "Intervals.", start=20.0)

    lines = JobLines(plan, logging.Formatter("%(message)s"), printed, clock)
    announce(lines, fit_decoders=1, plot_figures=2)
    begin(lines, 7, **WHERE)
    clock.now = 100.0
    say(lines, event=LogEvent.JOB_FINISHED, job_id=7)
    assert printed.getvalue().splitlines()[-1].endswith("about 40 s left")


def test_pieces_of_a_study_are_counted_and_timed_by_themselves(printed, clock):
    """Four short pieces, of which one has ended, beside a long one that nothing has told of yet."""

    def plan(jobs):
        kinds = {"run_study/rir": 4, "run_study/stable": 1}
        return RunPlan("mine", kinds, {}, {"run_study/stable": 600.0}, 1, "Intervals.")

    lines = JobLines(plan, logging.Formatter("%(message)s"), printed, clock)
    announce(lines, run_study=5)
    begin(lines, 1, "run_study", study="rir", piece="plain-rate0.1-seed0")
    clock.now = 20.0
    say(lines, event=LogEvent.JOB_FINISHED, job_id=1)
    last = printed.getvalue().splitlines()[-1]
    assert last.startswith("1/5  run study rir plain-rate0.1-seed0")
    assert last.endswith("about 11 min left")  # three pieces of 20 s and one of 10 minutes
