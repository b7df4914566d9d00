"""The whole workflow on a network of one's own, from files of weights by epoch to the report."""

import csv
import subprocess
import sys

import pytest

CONFIG = "own.yaml"
OWN = """
name: own
dataset:
  kind: known_information
  source: markov
  count: 400
  size: 8
  levels: 4
  correlation: 0.3
  scale: 0.4
  label_noise: 0.1
  shares: {encoder: 0.1, decoder: 0.6, evaluation: 0.3}
encoders:
  mine:
    architecture:
      kind: torch_module
      build: my_nets:Net
      arguments: {width: 4}
      preprocess: {mean: [0.5], std: [0.3], grey_to_rgb: true, resize: [12, 12]}
      checkpoints: runs/mine/epoch{epoch}.safetensors
    taps: {h1: "relu@1", code: "fc:input"}
    epochs: [0, 10]
decoders:
  image: {kind: pixelcnn_pp, filters: 4, layers: 1, mixtures: 2, dropout: 0.0, context_filters: 4, context_layers: 1}
  image_fit: {steps: 20, batch_size: 16, evaluate_every: 10}
  label: {kind: categorical, hidden: 4}
  label_fit: {steps: 20, batch_size: 16, evaluate_every: 10}
samples: {images: 2, draws: 1, unconditional: 2}
"""
NETS = '''
"""A network as a user has it, with one in-place ReLU in two places."""
from torch import nn

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, width, 3, 2), nn.Conv2d(width, 2 * width, 3, 2)
        self.relu, self.fc = nn.ReLU(inplace=True), nn.Linear(2 * width, 2)

    def forward(self, x):
        h = self.relu(self.conv2(self.relu(self.conv1(x))))
        return self.fc(h.mean((2, 3)))
'''
TRAIN = """
import torch
from pathlib import Path
from safetensors.torch import save_file
from my_nets import Net

Path("runs/mine").mkdir(parents=True)
for epoch in (0, 10):
    torch.manual_seed(epoch)
    save_file(Net(width=4).state_dict(), f"runs/mine/epoch{epoch}.safetensors")
"""


@pytest.fixture(scope="module")
def finished(laboratory):
    (laboratory.folder / CONFIG).write_text(OWN)
    (laboratory.folder / "my_nets.py").write_text(NETS)
    script = [sys.executable, "-c", TRAIN]
    assert subprocess.run(script, cwd=laboratory.folder, env=laboratory.environment).returncode == 0
    run = laboratory.snakemake(CONFIG)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return laboratory


def test_every_epoch_and_tap_has_its_informations(finished):
    with (finished.folder / "results/own/information.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["encoder"] == "mine"]
    points = {(row["epoch"], row["tap"]) for row in rows if row["quantity"] == "I(x;h)"}
    assert points == {(epoch, tap) for epoch in ("0", "10") for tap in ("h1", "code")}
    page = (finished.folder / "results/own/report.html").read_text()
    assert "It is not known whether the network has learned on these images" in page
    assert "The taps see" in page
    log = finished.folder / "results/own/logs/measurement/fit_decoders/mine/fixed/seed0/epoch0.log"
    assert "code: h of 8 values (8)" in log.read_text()


def planned(laboratory) -> str:
    return laboratory.snakemake(CONFIG, "--dry-run", "--quiet", "rules").stdout


def test_a_comment_changes_nothing_and_an_edit_of_the_network_measures_it_anew(finished):
    finished.edit("my_nets.py", "import nn", "import nn  # the layers")
    assert "fit_decoders" not in planned(finished)
    finished.edit("my_nets.py", "h.mean((2, 3))", "h.amax((2, 3))")
    found = planned(finished)
    finished.edit("my_nets.py", "h.amax((2, 3))", "h.mean((2, 3))")
    assert "train_encoder" in found
    assert "fit_decoders" in found
    assert "fit_marginal" not in found


def test_an_exchanged_file_is_measured_anew(finished):
    first, last = (finished.folder / f"runs/mine/epoch{epoch}.safetensors" for epoch in (0, 10))
    last.write_bytes(first.read_bytes())
    assert "train_encoder" in planned(finished)


def test_a_missing_file_is_named(finished):
    (finished.folder / "later.yaml").write_text(
        OWN.replace("name: own", "name: later").replace("[0, 10]", "[0, 20]")
    )
    run = finished.snakemake("later.yaml", "--dry-run")
    assert run.returncode != 0
    assert "runs/mine/epoch20.safetensors" in run.stdout + run.stderr
