"""A real SLURM: what its jobs ask for and see, and what becomes of them when they or Snakemake are killed."""

import csv
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slurm

TITLE = """It's a "tiny" {demo}: $HOME, `x` & 100 %"""
SAMPLES = 'samples={"images": 2, "draws": 1, "unconditional": 2}'
PATIENCE = 600
"""Seconds after which a test no longer waits for SLURM; a job may start late on a busy machine."""


APART = ["--groups", "fit_pretrained=starts"]
"""In the place of the groups of the profile: each fit of p(x) is a SLURM job, which a test can name, count and end."""


def arguments(config: str, *more: str, profile: str = "slurm-cpu") -> list[str]:
    return ["--configfile", config, "--workflow-profile", f"workflow/profiles/{profile}", *more]


def write_config(laboratory, name: str, seeds: list[int], saves: int) -> str:
    """An experiment whose p(x) is saved so many times for each seed of the decoders; the path of its configuration.

    A fit of the laboratory saves its state after each step.
    """
    fit = {"steps": saves, "batch_size": 8, "evaluate_every": saves}
    image = {"filters": 4, "layers": 1, "mixtures": 2, "dropout": 0.2}
    rows = {
        "architecture": {"kind": "kept_rows"},
        "regimes": {"fixed": {"epochs": 0}},
        "epochs": [0],
        "taps": ["rows2"],
    }
    decoders = {"image": {"kind": "pixelcnn_pp", **image}, "image_fit": fit, "label_fit": fit, "seeds": seeds}
    dataset = {"kind": "known_information", "count": 60, "levels": 4, "scale": 0.5}
    content = {"name": name, "dataset": dataset, "encoders": {"rows": rows}, "decoders": decoders}
    (laboratory.folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return f"{name}.yaml"


@pytest.fixture
def start(submitting, slurm) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Snakemake in the background; a test that fails leaves neither it nor its jobs to the next test."""
    started = []

    def start(*given: str, seconds_a_save: float, **environment: str) -> subprocess.Popen[str]:
        # Where the tests themselves run in the background of a script, their children would not hear Ctrl-C.
        hearing = ["env", "--default-signal=INT"]
        process = subprocess.Popen(
            [*hearing, Path(sys.executable).with_name("snakemake"), "--nocolor", *given],
            cwd=submitting.folder,
            env=submitting.environment | {"SECONDS_A_SAVE": str(seconds_a_save)} | environment,
            stdout=subprocess.DEVNULL,
            stderr=(submitting.folder / "snakemake.err").open("w"),
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
    slurm.cancel_all()


def wait_for(condition, process: subprocess.Popen[str]):
    """What the condition gives once it is no longer false."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert process.poll() is None, "Snakemake ended before its time"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.3)
    return found


def saves_of(laboratory, name: str) -> dict[str, int]:
    """How many states of that experiment each SLURM job has saved."""
    path = laboratory.folder / "saves.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    jobs = [line.split()[0] for line in lines if f"results/{name}/" in line]
    return {job: jobs.count(job) for job in dict.fromkeys(jobs)}


def gpus_of_jobs(laboratory) -> dict[str, set[str]]:
    """The GPUs that the commands of each SLURM job saw; without a GPU the set is empty."""
    lines = [line.split() for line in (laboratory.folder / "gpus.txt").read_text().splitlines()]
    found: dict[str, set[str]] = {}
    for job, *gpus in filter(None, lines):
        found.setdefault(job, set()).update(gpus)
    return found


def marginal(name: str, variant: str = "measurement") -> str:
    return f"results/{name}/{variant}/decoders/marginal"


def weights(laboratory, name: str, variant: str = "measurement") -> bytes:
    return (laboratory.folder / marginal(name, variant) / "marginal.image.safetensors").read_bytes()


@pytest.fixture(scope="module")
def demo(slurm, submitting):
    """The demo's rules at the smallest sizes, run with the profile of a cluster with GPUs; a fit is a SLURM job."""
    config = yaml.safe_load((submitting.folder / "workflow/config/demo.yaml").read_text())
    network = config["encoders"]["resnet10"]
    network["architecture"] |= {"widths": [4, 4, 4, 4], "bottleneck": 4}
    network["regimes"]["classifier"]["epochs"] = network["regimes"]["autoencoder"]["epochs"] = 1
    network |= {"epochs": [0, 1], "taps": ["h3", "pooled", "bottleneck"]}
    decoders = config["decoders"]
    decoders["image"] |= {"filters": 4, "context_filters": 4, "mixtures": 2}
    for fit in ("pretrained_fit", "image_fit", "label_fit"):
        decoders[fit] |= {"steps": 10, "evaluate_every": 5}
    decoders["seeds"] = [0]
    config["controls"]["epochs"] = [1]
    config["baselines"] = {"image": {"binning": {}}, "label": {"binning": {}}}
    config["calibration"] = {"k_means": [2, 4], "signs": [2], "rotations": 0}
    config["consistency"] = {"rows": [0, 4], "baselines": {"binning": {}}}
    config |= {"name": "tiny", "title": TITLE}
    (submitting.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    together = ["--group-components", "networks=4", "pieces=20", "evaluation=20"]
    given = arguments("tiny.yaml", "--jobs", "4", *together, "--config", SAMPLES, profile="slurm")
    before = len(slurm.ended_jobs())
    run = submitting.run(*given)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return slurm.ended_jobs()[before:]


def test_the_shape_of_the_demo_ends_with_its_report(submitting, demo):
    assert {job.state for job in demo} == {"COMPLETED"}
    results = submitting.folder / "results/tiny"
    with (results / "information.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["encoder"] == "resnet10"]
    assert {(row["regime"], row["epoch"]) for row in rows} == {
        (regime, epoch) for regime in ("classifier", "autoencoder") for epoch in ("0", "1")
    }


def test_quotes_braces_and_dollars_reach_the_job_from_a_file_and_from_the_command_line(submitting, demo):
    (written,) = (submitting.folder / "results/tiny/measurement/samples/resnet10/classifier").glob(
        "*.npz.json"
    )
    spec = json.loads(written.read_text())["spec"]
    assert (spec["images"], spec["draws"]) == (2, 1)
    title = re.search(r"<title>(.*?)</title>", (submitting.folder / "results/tiny/report.html").read_text())[
        1
    ]
    assert html.unescape(title) == TITLE


def test_a_job_sees_the_one_gpu_that_it_asked_for_and_the_light_ones_see_none(submitting, demo):
    seen = gpus_of_jobs(submitting)
    gpus = {job.number: seen[job.number] for job in demo}
    (light,) = (job for job in demo if not gpus[job.number])
    assert light == max(demo, key=lambda job: job.started)  # all tables and figures: one job, the last
    assert {len(gpus[job.number]) for job in demo if job != light} == {1}


def test_two_jobs_at_once_have_two_gpus(submitting, demo):
    seen = gpus_of_jobs(submitting)
    together = [
        (seen[one.number], seen[other.number])
        for one, other in combinations(demo, 2)
        if one.started < other.ended and other.started < one.ended
    ]
    assert len(together) > 3
    for one, other in together:
        assert not one & other


def test_few_seconds_of_a_job_are_lost_at_its_start(submitting, demo):
    """The cost of a SLURM job, from which docs/cluster.md computes how many short jobs have to share one."""
    working = [
        float(path.read_text().splitlines()[1].split()[0])
        for path in (submitting.folder / "results/tiny/benchmarks").rglob("*.tsv")
        if path.name != "prepare_dataset.tsv"
    ]
    *with_benchmarks, _tables = sorted(demo, key=lambda job: job.started)
    lost = (sum(job.seconds for job in with_benchmarks) - sum(working)) / len(with_benchmarks)
    waited = sum((job.started - job.submitted).total_seconds() for job in demo) / len(demo)
    print(
        f"\n{len(demo)} SLURM jobs for {len(working)} rules: {lost:.1f} s lost in each, {waited:.1f} s queued"
    )
    begin = time.monotonic()
    submitting.run(*arguments("tiny.yaml", "--dry-run", profile="slurm"))
    assert 0 < lost < 10 * (time.monotonic() - begin), "a job starts Snakemake twice, and waits for nothing"


def test_a_profile_without_gpus_asks_for_none_and_several_gpus_are_given_where_they_are_asked_for(
    submitting, slurm
):
    config = write_config(submitting, "counted", [0, 1], 1)
    for variant, more in (
        ("measurement", ["--set-resources", "fit_marginal:gpu=2"]),
        ("decoder-seed-1", []),
    ):
        run = submitting.run(*arguments(config, marginal("counted", variant), *more))
        assert run.returncode == 0, run.stderr
    several, none = slurm.ended_jobs()[-2:]
    assert gpus_of_jobs(submitting)[several.number] == {"0,1"}
    assert gpus_of_jobs(submitting)[none.number] == set()


def test_a_job_that_is_killed_in_the_middle_goes_on_where_it_was_with_more_memory(submitting, slurm, start):
    saves = 15
    config = write_config(submitting, "killed", [0], saves)
    process = start(*arguments(config, marginal("killed")), seconds_a_save=1)
    wait_for(lambda: sum(saves_of(submitting, "killed").values()) > 3, process)
    (number,) = slurm.queue()
    subprocess.run(["scancel", "--signal=KILL", "--full", number], check=True)
    assert process.wait(PATIENCE) == 0, (submitting.folder / "snakemake.err").read_text()
    killed, resumed = slurm.ended_jobs()[-2:]
    assert killed.number == number
    assert killed.state in ("FAILED", "CANCELLED")  # whichever of its processes SLURM sees end first
    assert resumed.state == "COMPLETED"
    assert resumed.memory == 2 * killed.memory
    of_jobs = saves_of(submitting, "killed")
    assert 0 < of_jobs[resumed.number] < saves - 1
    config = write_config(submitting, "straight", [0], saves)
    run = submitting.run("--configfile", config, "--cores", "1", marginal("straight"))
    assert run.returncode == 0, run.stderr
    (saved_straight,) = saves_of(submitting, "straight").values()
    assert sum(of_jobs.values()) <= saved_straight + 1
    assert weights(submitting, "killed") == weights(submitting, "straight")


def test_a_job_over_its_time_limit_is_ended_and_goes_on_where_it_was(submitting, slurm, start):
    # 150 s at least: SLURM looks at the limits of jobs twice a minute, and lets one of 65 s end by itself.
    config = write_config(submitting, "late", [0], 60)
    minute = ["--set-resources", "fit_marginal:runtime=1", "--restart-times", "5"]
    process = start(*arguments(config, marginal("late"), *minute, *APART), seconds_a_save=2.5)
    assert process.wait(PATIENCE) == 0, (submitting.folder / "snakemake.err").read_text()
    *late, last = (job for job in slurm.ended_jobs() if job.number in saves_of(submitting, "late"))
    assert {job.state for job in late} == {"TIMEOUT"}
    assert last.state == "COMPLETED"
    assert min(job.seconds for job in late) >= 60


def test_a_job_that_takes_more_memory_than_it_asked_for_is_killed_and_asks_for_more(submitting, slurm):
    config = write_config(submitting, "hungry", [0], 1)
    before = len(slurm.ended_jobs())
    little = ["--set-resources", "fit_marginal:mem_mb=300*attempt"]
    run = submitting.run(*arguments(config, marginal("hungry"), *little, "--restart-times", "4"))
    assert run.returncode == 0, run.stderr
    *killed, last = slurm.ended_jobs()[before:]
    assert killed
    assert {job.state for job in killed} == {"FAILED"}
    assert [job.memory for job in (*killed, last)] == [300 * (n + 1) for n in range(len(killed) + 1)]


def test_after_kill_9_of_snakemake_its_jobs_are_named_and_then_the_same_command_goes_on(
    submitting, slurm, start
):
    variants = ["measurement", *(f"decoder-seed-{seed}" for seed in (1, 2, 3))]
    config = write_config(submitting, "left", [0, 1, 2, 3], 20)
    given = arguments(config, *(marginal("left", variant) for variant in variants), *APART)
    process = start(*given, seconds_a_save=2)
    wait_for(lambda: sorted(slurm.queue().values()) == ["PENDING"] * 2 + ["RUNNING"] * 2, process)
    wait_for(lambda: list((submitting.folder / "results/left/scratch").rglob("state.pt")), process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(slurm.queue()) == 4, "the jobs outlive Snakemake"

    refused = submitting.run(*given)
    assert refused.returncode != 0
    advice = re.search(r"end them with `(scancel [\d ]+)`", refused.stdout + refused.stderr)[1]
    assert set(advice.split()[1:]) == set(slurm.queue())
    subprocess.run(advice.split(), check=True)
    slurm.wait_until_empty()

    again = submitting.run(*given)
    assert again.returncode == 0, again.stderr
    run = submitting.run(
        "--configfile", write_config(submitting, "whole", [0], 20), "--cores", "1", marginal("whole")
    )
    assert run.returncode == 0, run.stderr
    assert weights(submitting, "left") == weights(submitting, "whole")


def test_ctrl_c_cancels_the_jobs_and_also_one_whose_number_snakemake_does_not_know_yet(
    submitting, slurm, start, tmp_path
):
    slow = tmp_path / "sbatch"  # it gives a job to SLURM at once, and tells its number later
    slow.write_text(f'#!/bin/sh\nnumber=$({shutil.which("sbatch")} "$@") && sleep 8 && echo $number\n')
    slow.chmod(0o755)
    config = write_config(submitting, "stopped", [0, 1], 100)
    targets = marginal("stopped"), marginal("stopped", "decoder-seed-1")
    process = start(
        *arguments(config, *targets, *APART),
        seconds_a_save=2,
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    )
    wait_for(lambda: len(slurm.queue()) == 2, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) != 0
    slurm.wait_until_empty(seconds=20)


def test_a_job_that_slurm_refuses_fails_the_run_while_the_others_go_on(submitting, slurm):
    config = write_config(submitting, "refused", [0], 1)
    much = ["--set-resources", "fit_marginal:mem_mb=100000000"]
    network = "results/refused/encoders/rows/fixed/seed0"
    run = submitting.run(*arguments(config, marginal("refused"), network, *much, *APART))
    assert run.returncode != 0
    assert "sbatch failed" in run.stdout + run.stderr
    assert (submitting.folder / network / "epoch-0.safetensors").exists()
    assert slurm.queue() == {}
