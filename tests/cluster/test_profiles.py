"""What the profiles of SLURM ask for, and how many SLURM jobs an experiment becomes, from dry-runs alone."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

pytest.importorskip("snakemake_executor_plugin_slurm", reason="install the extra `slurm`: make install")

SECONDS_A_JOB = 8.7
"""What a SLURM job costs at its start beside its work; docs/cluster.md has the measurement."""
SECONDS_OF_THE_DEMO = 586
"""Of processor time; docs/cluster.md has the measurement."""
ALONE = ("prepare_dataset", "all")
"""Rules that run beside Snakemake."""
LIGHT = "tabulate(?!_forgetting)|plot|write"
"""Rules that compute on no device; what samples forget is told by a network."""
TWO_DAYS = 2880
"""Minutes of the longest rule."""


@dataclass(frozen=True)
class Planned:
    """A rule's job of a dry-run, and the number of the SLURM job that it is part of."""

    slurm_job: int
    rule: str
    threads: int
    resources: dict[str, str]


def planned_jobs(text: str) -> list[Planned]:
    """The jobs of a dry-run: those of a group are indented below its heading."""
    found, number = [], 0
    for block in re.split(r"^(?=\[)|^(?=    \[)", text, flags=re.MULTILINE):
        number += block.startswith("[")
        if rule := re.search(r"^ *(?:local)?rule (\w+):", block, re.MULTILINE):
            threads = re.search(r"^ *threads: (\d+)", block, re.MULTILINE)
            resources = re.search(r"^ *resources: (.*)", block, re.MULTILINE)
            needs = dict(need.split("=") for need in resources[1].split(", ")) if resources else {}
            found.append(Planned(number, rule[1], int(threads[1]) if threads else 1, needs))
    return [job for job in found if job.rule not in ALONE]


@pytest.fixture(scope="module")
def plan(laboratory):
    """The jobs of a configuration under a profile."""

    @cache
    def jobs(config: str, profile: str) -> list[Planned]:
        given = ["--configfile", f"workflow/config/{config}.yaml", "--dry-run"]
        run = laboratory.run(*given, "--workflow-profile", f"workflow/profiles/{profile}")
        assert run.returncode == 0, run.stderr
        return planned_jobs(run.stdout + run.stderr)

    return jobs


def slurm_jobs(jobs: list[Planned]) -> dict[int, list[Planned]]:
    return {
        number: [job for job in jobs if job.slurm_job == number] for number in {j.slurm_job for j in jobs}
    }


def test_what_computes_on_the_device_asks_for_one_gpu_and_nothing_else_does(plan):
    for job in plan("demo", "slurm"):
        light = re.match(LIGHT, job.rule)
        assert job.resources.get("gpu") == (None if light else "1"), job.rule
        assert job.threads == (1 if light else 8), job.rule


def test_without_gpus_no_job_asks_for_one(plan):
    assert {job.resources["gpu"] for job in plan("demo", "slurm-cpu")} == {"0"}
    assert {job.resources["device"] for job in plan("demo", "slurm-cpu")} == {"cpu"}


def test_the_start_of_the_jobs_of_the_demo_is_less_than_an_eighth_of_its_time(plan):
    number = len(slurm_jobs(plan("demo", "slurm-cpu")))
    assert number * SECONDS_A_JOB < (SECONDS_OF_THE_DEMO + number * SECONDS_A_JOB) / 8


@pytest.mark.parametrize("profile", ["slurm", "slurm-cpu"])
@pytest.mark.parametrize("config", ["demo", "known-information", "cifar10"])
def test_rules_that_share_a_slurm_job_ask_together_for_no_more_time_than_the_longest_rule(
    plan, config, profile
):
    for jobs in slurm_jobs(plan(config, profile)).values():
        on_device = [int(job.resources["runtime"]) for job in jobs if job.resources.get("processes")]
        assert sum(on_device) <= TWO_DAYS, [job.rule for job in jobs]


@pytest.mark.parametrize("profile", ["slurm", "slurm-cpu"])
def test_all_tables_and_figures_share_one_slurm_job(plan, profile):
    light = [job for job in plan("demo", profile) if re.match(LIGHT, job.rule)]
    assert len(light) == 8
    assert len({job.slurm_job for job in light}) == 1


def test_the_fits_of_the_gpu_profile_have_slurm_jobs_of_their_own(plan):
    for jobs in slurm_jobs(plan("demo", "slurm")).values():
        assert len(jobs) == 1 or not any(job.rule.startswith("fit_") for job in jobs)


def test_the_two_profiles_differ_in_the_device_and_in_what_shares_a_job():
    gpu, cpu = (
        yaml.safe_load(Path(f"workflow/profiles/{name}/config.yaml").read_text())
        for name in ("slurm", "slurm-cpu")
    )
    differing = {key for key in gpu | cpu if gpu.get(key) != cpu.get(key)}
    assert differing == {"cores", "default-resources", "group-components", "groups"}
