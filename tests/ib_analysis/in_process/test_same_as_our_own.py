"""The same network on the same images has the same numbers as our own family and as a torch module."""

import pytest
from safetensors.torch import load_file, save_file

from ib_analysis.experiment import load_experiment
from ib_analysis.in_process.plane import Plane
from ib_analysis.in_process.run import run_tasks
from ib_analysis.in_process.tasks import Layout, tasks_of
from ib_analysis.point import Network

TAPS = ["h1", "pooled"]
FIT = {"steps": 8, "batch_size": 16, "evaluate_every": 4, "learning_rate": 4.0e-3}
IMAGE = {
    "kind": "pixelcnn_pp",
    "filters": 4,
    "layers": 1,
    "mixtures": 2,
    "context_filters": 4,
    "context_layers": 1,
}
CONFIG = {
    "name": "same",
    "dataset": {"kind": "digits", "images": 120},
    "decoders": {"image": IMAGE, "image_fit": FIT, "label_fit": FIT, "mixture": {"nearest": 4}},
}
TRAINING = {"epochs": 2, "batch_size": 32, "learning_rate": 0.05}


def measured(encoder: dict, root) -> Plane:
    """The tables of an experiment with that encoder."""
    experiment = load_experiment({**CONFIG, "encoders": {"net": encoder}})
    tables = [
        task
        for task in tasks_of(experiment, root, 48, 24)
        if task.stage.partition("_")[0] not in ("draw", "plot", "write")
    ]
    run_tasks(tables, root, device="cpu", threads=1)
    return Plane(root)


def test_the_numbers_agree(tmp_path, monkeypatch):
    architecture = {"kind": "resnet", "blocks": [1, 1], "widths": [4, 8]}
    ours = measured(
        {
            "architecture": architecture,
            "regimes": {"classifier": TRAINING},
            "epochs": [2],
            "taps": TAPS,
        },
        tmp_path / "ours",
    )
    file = Layout(ours.folder).checkpoints(Network("net", "classifier", 0)) / "epoch-2.safetensors"
    weights = load_file(file)
    trunk = {name.removeprefix("trunk."): v for name, v in weights.items() if name.startswith("trunk.")}
    save_file(trunk, tmp_path / "trunk.safetensors")
    (tmp_path / "twin_net.py").write_text(TWIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    mean, std = (weights[f"normalise.{name}"].flatten().tolist() for name in ("mean", "std"))
    theirs = measured(
        {
            "architecture": {
                "kind": "torch_module",
                "build": "twin_net:trunk",
                "checkpoints": {2: "trunk.safetensors"},
                "preprocess": {"mean": mean, "std": std},
            },
            "epochs": [2],
            "taps": TAPS,
        },
        tmp_path / "theirs",
    )
    expected = {(row.tap, row.quantity): row for row in ours.rows}
    assert len(expected) == len(ours.rows) == 2 + 4 * len(TAPS)
    for row in theirs.rows:
        other = expected[row.tap, row.quantity]
        assert row.bits == pytest.approx(other.bits, abs=1e-4)
        assert row.low_bits <= other.bits <= row.high_bits
    assert any(abs(row.bits) > 0.1 for row in ours.rows if row.quantity == "I(x;h)")


TWIN = '''
"""The layers of the laboratory's own ResNet, as a plain sequence of named modules."""
from collections import OrderedDict

from torch import nn


from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec


def trunk():
    image = ImageShape(channels=1, height=8, width=8, levels=17)
    ours = ResNet(ResNetSpec(blocks=(1, 1), widths=(4, 8)), "classifier", image, 10)
    return nn.Sequential(OrderedDict(ours.trunk.items()))
'''
