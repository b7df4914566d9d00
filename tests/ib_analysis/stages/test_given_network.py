"""The stage train_encoder on a network that is given: its files become verified checkpoints."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from ib_analysis.__main__ import main
from ib_analysis.artefacts import canonical_json
from ib_analysis.encoders.checkpoint import load_checkpoint
from ib_analysis.experiment import Experiment, load_experiment

NETS = Path(__file__).parents[1] / "encoders/torch_module/my_nets.py"
CONFIG = """
name: own
dataset: {kind: known_information, count: 60, size: 8, levels: 4, scale: 0.5}
encoders:
  mine:
    architecture:
      kind: torch_module
      build: my_nets:ResNet
      arguments: {channels: 1}
      checkpoints: epoch{epoch}.safetensors
    taps: {stem: maxpool, code: "fc:input"}
    epochs: [0, 5]
decoders: {image_fit: {steps: 4}, label_fit: {steps: 4}}
"""


def own(**changes: object) -> Experiment:
    config = yaml.safe_load(CONFIG)
    config["encoders"]["mine"]["architecture"] |= changes
    return load_experiment(config)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copy(NETS, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)
    spec = canonical_json(own().prepare_dataset())
    assert main(["prepare_dataset", "--spec", spec, "--out", "dataset"]) == 0
    return tmp_path


def save_weights(shift: float, path: str) -> None:
    import my_nets

    torch.manual_seed(0)
    state = my_nets.ResNet(channels=1).state_dict()
    save_file({k: v + shift if v.is_floating_point() else v for k, v in state.items()}, path)


def take(experiment: Experiment, *weights: str) -> int:
    spec = canonical_json(experiment.train_encoder("mine", "fixed", 0))
    paths = [
        "--dataset",
        "dataset/header.json",
        "--weights",
        *weights,
        "--scratch",
        "scratch",
        "--out",
        "out",
    ]
    return main(["train_encoder", "--spec", spec, *paths])


def test_each_file_becomes_the_checkpoint_of_its_epoch(folder, capfd):
    for epoch in (0, 5):
        save_weights(0.01 * epoch, f"epoch{epoch}.safetensors")
    assert take(own(), *own().weight_files("mine", 0)) == 0
    assert "evaluation mode" in (said := capfd.readouterr().out)
    assert "code: h of 8 values" in said
    assert "The taps see all 8 x 8 pixels." in said
    checkpoints = [load_checkpoint(folder / f"out/epoch-{epoch}.safetensors") for epoch in (0, 5)]
    assert [c.epoch for c in checkpoints] == [0, 5]
    first, last = (c.encoder.state_dict()["network.fc.weight"] for c in checkpoints)
    assert torch.allclose(last - first, torch.tensor(0.05))


def test_an_exchanged_file_is_taken_anew(folder):
    for epoch in (0, 5):
        save_weights(0.0, f"epoch{epoch}.safetensors")
    assert take(own(), *own().weight_files("mine", 0)) == 0
    before = load_checkpoint(folder / "out/epoch-5.safetensors").digest
    save_weights(0.1, "epoch5.safetensors")
    assert take(own(), *own().weight_files("mine", 0)) == 0
    assert load_checkpoint(folder / "out/epoch-5.safetensors").digest != before


def test_without_files_the_network_is_taken_as_it_is_built(folder):
    config = yaml.safe_load(CONFIG)
    del config["encoders"]["mine"]["architecture"]["checkpoints"]
    config["encoders"]["mine"]["epochs"] = [0]
    assert take(load_experiment(config)) == 0
    assert load_checkpoint(folder / "out/epoch-0.safetensors").epoch == 0


def test_a_network_whose_h_is_not_its_own_image_s_is_refused(folder, capfd):
    config = yaml.safe_load(CONFIG)
    config["encoders"]["mine"] |= {
        "architecture": {
            "kind": "torch_module",
            "build": "my_nets:Mixing",
            "preprocess": {"grey_to_rgb": True},
        },
        "taps": ["last"],
        "epochs": [0],
    }
    assert take(load_experiment(config)) == 1
    error = capfd.readouterr().err
    assert "module norm (BatchNorm2d)" in error
    assert "Traceback" not in error
    assert not (folder / "out").exists()
