"""A fit that is killed outright goes on where it was, and ends with the same weights."""

import os
import signal
import subprocess
import sys
import time

import pytest

EAGER = """
import sys
import decoders.training.saved_state
decoders.training.saved_state.SAVE_EVERY_SECONDS = 0.0
from ib_analysis.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def arguments(laboratory):
    from ib_analysis.artefacts import canonical_json
    from ib_analysis.experiment import load_experiment

    fit = {"steps": 60, "batch_size": 8, "evaluate_every": 10}
    image = {"filters": 4, "layers": 1, "mixtures": 2, "dropout": 0.2}
    experiment = load_experiment(
        {
            "name": "kill",
            "dataset": {"kind": "known_information", "count": 60, "levels": 4, "scale": 0.5},
            "encoders": {
                "rows": {
                    "architecture": {"kind": "kept_rows"},
                    "regimes": {"fixed": {"epochs": 0}},
                    "epochs": [0],
                    "taps": ["rows2"],
                }
            },
            "decoders": {"image": {"kind": "pixelcnn_pp", **image}, "image_fit": fit, "label_fit": fit},
        }
    )
    prepared = laboratory.stage(
        "prepare_dataset", "--spec", canonical_json(experiment.prepare_dataset()), "--out", "kill/dataset"
    )
    assert prepared.returncode == 0, prepared.stderr
    spec = canonical_json(experiment.fit_marginal())
    return ["fit_marginal", "--spec", spec, "--dataset", "kill/dataset/header.json", "--pretrained"]


def test_kill_9_in_the_middle_of_a_fit(laboratory, arguments):
    straight = laboratory.stage(*arguments, "--scratch", "kill/straight-scratch", "--out", "kill/straight")
    assert straight.returncode == 0, straight.stderr

    paths = ["--scratch", "kill/killed-scratch", "--out", "kill/killed"]
    process = subprocess.Popen(
        [sys.executable, "-c", EAGER, *arguments, *paths],
        cwd=laboratory.folder,
        env=laboratory.environment,
        stderr=subprocess.DEVNULL,
    )
    scratch = laboratory.folder / "kill/killed-scratch"
    deadline = time.monotonic() + 120
    while not list(scratch.glob("*/state.pt")) and time.monotonic() < deadline:
        assert process.poll() is None, "the fit ended before it could be killed"
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(scratch.glob("*/state.pt")), "nothing was saved before the kill"
    assert not (laboratory.folder / "kill/killed").exists()

    resumed = laboratory.stage(*arguments, *paths)
    assert resumed.returncode == 0, resumed.stderr
    assert "starts from the beginning" not in resumed.stderr
    name = "marginal.image.safetensors"
    killed, uninterrupted = (
        (laboratory.folder / "kill" / run / name).read_bytes() for run in ("killed", "straight")
    )
    assert killed == uninterrupted
