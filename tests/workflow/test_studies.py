"""Each paper's target in the DAG, and a small study all the way through."""

import csv
from pathlib import Path

import pytest
import yaml

from ib_analysis.studies.specs.studies import StudiesSpec

TARGETS = tuple(name for name in StudiesSpec.model_fields if name != "darlow2020")
"""The five studies that measure pieces of their own; `test_two_stages.py` has the sixth."""
FIT = {"steps": 20, "batch_size": 16, "learning_rate": 4e-3, "evaluate_every": 10}


def config(name):
    return yaml.safe_load(Path(f"workflow/config/{name}.yaml").read_text())


def made_by(laboratory, settings, *targets):
    run = laboratory.snakemake(settings, *targets, "--dry-run", "--quiet", "rules")
    assert run.returncode == 0, run.stdout + run.stderr
    plan = dict(line.split() for line in run.stdout.splitlines() if len(line.split()) == 2)
    return {name: int(count) for name, count in plan.items() if count.isdigit()}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        *((name, target) for name in ("six-papers", "six-papers-gpu") for target in TARGETS),
        *(("three-papers-cifar10", target) for target in ("rir", "stable", "quantized")),
    ],
)
def test_a_target_makes_its_study_and_the_planes_of_its_networks(laboratory, name, target):
    encoders = config(name)["studies"][target]["encoders"]
    assert encoders, "a study without networks shows nothing of what their layers keep"
    plan = made_by(laboratory, f"workflow/config/{name}.yaml", target)
    networks = [config(name)["encoders"][encoder] for encoder in encoders]
    assert plan["train_encoder"] == sum(len(n["regimes"]) * len(n.get("seeds", [0])) for n in networks)
    assert plan["tabulate_study"] == plan["tabulate_study_information"] == plan["plot_layers"] == 1
    assert plan["run_study"] >= 3
    assert "write_report" not in plan


@pytest.mark.parametrize("name", ["six-papers", "six-papers-gpu"])
def test_six_papers_makes_all_of_them_the_verdicts_and_the_report(laboratory, name):
    plan = made_by(laboratory, f"workflow/config/{name}.yaml", "six_papers")
    assert plan["tabulate_study"] == len(TARGETS)
    assert plan["tabulate_verdicts"] == plan["write_report"] == 1


def test_a_study_that_the_experiment_does_not_hold_is_named(laboratory):
    run = laboratory.snakemake("workflow/config/demo.yaml", "stable", "--dry-run")
    assert run.returncode != 0
    assert "studies.stable is null in demo" in run.stdout + run.stderr


def test_a_network_that_is_not_there_is_named(laboratory):
    settings = config("six-papers")
    settings["studies"]["rir"]["encoders"] = ["ghost"]
    (laboratory.folder / "ghost.yaml").write_text(yaml.safe_dump(settings))
    run = laboratory.snakemake("ghost.yaml", "rir", "--dry-run")
    assert "studies.rir.encoders: 'ghost' is no encoder" in run.stdout + run.stderr


def small():
    """Two seeds of one study and one network, at the smallest sizes under which every claim gets a verdict."""
    settings = config("six-papers")
    network = {
        "architecture": {"kind": "resnet", "blocks": [1, 1], "widths": [4, 8]},
        "regimes": {"classifier": {"epochs": 1, "batch_size": 64}},
        "epochs": [1],
        "taps": ["h1", "h2"],
    }
    study = {
        "encoders": ["resnet"],
        "seeds": [0, 1],
        "nonlinearities": ["tanh"],
        "lanczos_layers": [],
        "units_at_zero": [1, 2],
        "images": 20,
        "steps": 10,
        "checkpoints": [0, 10],
        "learning_rates": [0.002, 0.03],
        "convolutional_images": 20,
        "convolutional_hessian_images": 6,
        "convolutional_steps": 10,
    }
    decoders = settings["decoders"] | {"pretrained_fit": FIT, "image_fit": FIT, "label_fit": FIT}
    return settings | {
        "name": "small",
        "encoders": {"resnet": network},
        "decoders": decoders,
        "studies": {"shortcut_depth": study},
    }


def test_a_small_study_from_its_pieces_to_its_verdicts(laboratory):
    (laboratory.folder / "small.yaml").write_text(yaml.safe_dump(small()))
    run = laboratory.snakemake("small.yaml", "results/small/verdicts.csv", "shortcut_depth")
    assert run.returncode == 0, run.stdout + run.stderr
    plan = (run.stdout + run.stderr).splitlines()
    assert [line.split()[3] for line in plan if line.startswith("pieces of shortcut_depth")] == ["4"]
    results = laboratory.folder / "results" / "small"
    with (results / "verdicts.csv").open() as file:
        verdicts = list(csv.DictReader(file))
    assert {row["reproduced"] for row in verdicts} <= {"yes", "no", "unclear"}
    invariant = [row for row in verdicts if "condition" in row["claim"]]
    assert invariant, [row["claim"] for row in verdicts]
    for name in ("shortcut_depth.csv", "figures/shortcut_depth.png", "figures/shortcut_depth-layers.svg"):
        assert (results / name).stat().st_size > 500
    again = laboratory.snakemake("small.yaml", "shortcut_depth")
    assert "Nothing to be done" in again.stdout + again.stderr
    more = small()
    more["studies"]["shortcut_depth"]["seeds"] = [0, 1, 2]
    (laboratory.folder / "more.yaml").write_text(yaml.safe_dump(more))
    assert made_by(laboratory, "more.yaml", "shortcut_depth")["run_study"] == 2, "those of the new seed alone"
