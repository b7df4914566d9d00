"""A rule asks for the memory that its job takes, and a run says so before it starts."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ib_analysis.datasets.specs.image_folder import ImageFolderSpec
from ib_analysis.experiment import load_experiment
from ib_analysis.job_memory import USUAL, image_target, memory_of_jobs
from ib_analysis.provenance import canonical_json

FIT = {"steps": 2, "batch_size": 16, "evaluate_every": 2}


def experiment_of(side, filters, batch_size):
    return load_experiment(
        {
            "name": "memory",
            "dataset": {"kind": "known_information", "count": 900, "size": side, "channels": 3},
            "encoders": {
                "rows": {
                    "architecture": {"kind": "kept_rows"},
                    "regimes": {"fixed": {"epochs": 0}},
                    "epochs": [0],
                    "taps": ["rows2"],
                }
            },
            "decoders": {
                "image": {"kind": "pixelcnn_pp", "filters": filters, "layers": 2, "mixtures": 2},
                "image_fit": FIT | {"batch_size": batch_size},
                "label_fit": FIT,
                "pretrained_fit": FIT | {"batch_size": batch_size},
            },
        }
    )


# The peak of a process counts what its parent had before: a small one stands between the tests and the command.
LAUNCHER = (
    "import resource, subprocess, sys; "
    "run = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(run.returncode)"
)


def peak_of(command, laboratory):
    """Megabytes that the command took at its peak."""
    run = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *command],
        cwd=laboratory.folder,
        env=laboratory.environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout) * 1024 / 1e6


def test_a_peak_is_that_of_the_command_alone(laboratory):
    held = bytearray(500_000_000)
    assert peak_of([sys.executable, "-c", "bytearray(100_000_000)"], laboratory) < 200
    assert len(held) == 500_000_000


def test_a_job_takes_no_more_than_its_rule_asks_for_and_not_much_less(laboratory):
    asked, taken = [], []
    for side, filters, batch_size in ((8, 8, 16), (32, 32, 4), (32, 32, 64)):
        experiment, folder = experiment_of(side, filters, batch_size), f"memory/{side}-{batch_size}"
        python = [sys.executable, "-m", "ib_analysis"]
        dataset = [*python, "prepare_dataset", "--spec", canonical_json(experiment.prepare_dataset())]
        peak_of([*dataset, "--out", f"{folder}/dataset"], laboratory)
        fit = [*python, "fit_marginal", "--spec", canonical_json(experiment.fit_pretrained()), "--pretrained"]
        paths = [
            "--dataset",
            f"{folder}/dataset/header.json",
            "--scratch",
            f"{folder}/s",
            "--out",
            f"{folder}/o",
        ]
        taken.append(peak_of([*fit, *paths, "--device", "cpu"], laboratory))
        asked.append(memory_of_jobs(experiment, on_gpu=False)["fit_pretrained"])
    for a, t in zip(asked, taken, strict=True):
        assert t <= a <= 2.2 * t, (asked, taken)
    assert taken[2] > taken[0] + 500  # it is batch_size that rules


def test_the_images_that_a_formula_needs_are_those_of_the_data_set(tmp_path):
    from PIL import Image

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.txt").write_text("no image")
    assert image_target(ImageFolderSpec(folder=str(tmp_path))) is None
    Image.new("RGB", (20, 12)).save(tmp_path / "a" / "1.png")
    read = image_target(ImageFolderSpec(folder=str(tmp_path), mode="grey"))
    assert (read.channels, read.height, read.width) == (1, 12, 20)
    resized = image_target(ImageFolderSpec(folder="nowhere", resize=(5, 7)))
    assert (resized.channels, resized.height, resized.width) == (3, 5, 7)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_rules_ask_for_what_the_formula_says(laboratory, device, tmp_path):
    config = yaml.safe_load(Path("workflow/config/demo.yaml").read_text())
    needed = memory_of_jobs(load_experiment(config), on_gpu=device == "cuda")
    (tmp_path / "config.yaml").write_text(f"default-resources:\n  device: {device}\n")
    options = ["--dry-run", "--workflow-profile", str(tmp_path)]
    run = laboratory.snakemake("workflow/config/demo.yaml", *options)
    assert run.returncode == 0, run.stdout + run.stderr
    for block in (run.stdout + run.stderr).split("\nrule ")[1:]:
        rule = block.split(":", 1)[0]
        if rule in needed:
            assert f"mem_mb={needed[rule]}" in block, block
    assert (needed["fit_marginal"] == USUAL) == (device == "cuda")
