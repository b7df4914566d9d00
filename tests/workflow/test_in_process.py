"""analyse runs the jobs of the DAG: the same stages on the same slices, code and paths."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml

from ib_analysis.experiment import load_experiment
from ib_analysis.in_process.task import Task
from ib_analysis.in_process.tasks import tasks_of

CONFIG = """
name: same
dataset: {kind: arrays, images_file: images.npy, labels_file: labels.npy, learned_file: learned.npy}
encoders:
  mine:
    architecture: {kind: torch_module, build: "my_nets:Net", checkpoints: "epoch{epoch}.pt"}
    taps: {code: "fc:input"}
    epochs: [0, 10]
decoders:
  preset: standard
  neighbour_fit: {steps: 20, patience: 1, pretrained_rate: 1.0}
calibration: {k_means: [2, 4], signs: []}
"""
OF_A_RUN = ("device", "threads", "processes")


@pytest.mark.parametrize("labelled", [True, False])
def test_the_tasks_are_the_jobs_of_the_dag(laboratory, labelled, monkeypatch):
    config = yaml.safe_load(CONFIG)
    if not labelled:
        del config["calibration"]
        config |= {
            "dataset": {"kind": "arrays", "images_file": "images.npy"},
            "decoders": {"preset": "quick"},
        }
    (laboratory.folder / "same.yaml").write_text(yaml.safe_dump(config))
    (laboratory.folder / "my_nets.py").write_text("from torch import nn\n\nNet = nn.Flatten\n")
    for name in ("images", "labels", "learned"):
        np.save(laboratory.folder / f"{name}.npy", np.zeros(1))
    for epoch in (0, 10):
        (laboratory.folder / f"epoch{epoch}.pt").touch()
    run = laboratory.snakemake("same.yaml", "--dry-run", "--printshellcmds")
    assert run.returncode == 0, run.stdout + run.stderr
    monkeypatch.chdir(laboratory.folder)
    tasks = tasks_of(load_experiment(config), Path("results/same"), 100, 50)
    by_dag = commands(run.stdout)
    in_process = {name: as_options(task) for task in tasks for name in task.made[:1]}
    assert {job["stage"] for job in by_dag.values()} == {task.stage for task in tasks}
    for made, task in in_process.items():
        assert task == by_dag[str(made)]
    assert len(in_process) == len(tasks) == len(by_dag)


def commands(printed: str) -> dict[str, dict]:
    """The jobs of a dry run, each by the first file that it makes: all files, its stage, the options of its command."""
    found: dict[str, dict] = {}
    made: list[str] = []
    for line in printed.splitlines():
        if line.strip().startswith("output: "):
            made = line.partition("output: ")[2].strip().split(", ")
        command = line.partition("python -m ib_analysis ")[2].partition(" > ")[0]
        if command:
            found[made[0]] = options(shlex.split(command)) | {"made": sorted(made)}
    return found


def options(words: list[str]) -> dict:
    job: dict = {"stage": words[0]}
    name = ""
    for word in words[1:]:
        if word.startswith("--"):
            name = word.removeprefix("--")
            job[name] = []
        else:
            job[name].append(word)
    job |= {"spec": json.loads(job["spec"][0]), "code": job["code"][0]}
    return {name: value for name, value in job.items() if name not in OF_A_RUN and value != []}


def as_options(task: Task) -> dict:
    made = sorted(map(str, task.made))
    job = {"stage": task.stage, "spec": task.spec, "code": task.code, "made": made}
    for name, value in task.paths.items():
        paths = value if isinstance(value, list) else [value]
        job |= {name: [*map(str, paths)]} if paths else {}
    return job


def test_every_input_was_made_by_an_earlier_task():
    seen: set[Path] = set()
    for task in tasks_of(load_experiment(yaml.safe_load(CONFIG)), Path("results/same"), 100, 50):
        assert {*task.read} <= seen
        seen |= {*task.made}
