"""A stage in several processes leaves what one process leaves, and its failure is one sentence."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from decoders.saving import load_decoder
from ib_analysis.__main__ import main
from ib_analysis.artefacts import canonical_json
from ib_analysis.device import resolve_device
from ib_analysis.errors import UserError
from ib_analysis.experiment import load_experiment
from ib_analysis.processes import PARTNER_LOST, _sentence
from ib_analysis.stages import fit_decoders, fit_marginal

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
FIT = {"steps": 4, "batch_size": 5, "evaluate_every": 2}
EXPERIMENT = load_experiment(
    {
        "name": "tiny",
        "dataset": {"kind": "known_information", "count": 60, "levels": 4, "scale": 0.5},
        "encoders": {
            "net": {
                "architecture": {"kind": "resnet", "blocks": [1, 1], "widths": [4, 4], "bottleneck": 4},
                "regimes": {"classifier": {"epochs": 1, "batch_size": 8}},
                "epochs": [0, 1],
                "taps": ["pooled"],
            }
        },
        "decoders": {
            "image": {
                "kind": "pixelcnn_pp",
                "filters": 4,
                "layers": 1,
                "mixtures": 2,
                "context_filters": 4,
                "dropout": 0.0,
            },
            "image_fit": FIT,
            "label_fit": FIT,
        },
        "activations": {"source": "stored"},
    }
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    spec = canonical_json(EXPERIMENT.prepare_dataset())
    assert main(["prepare_dataset", "--spec", spec, "--out", str(folder / "dataset")]) == 0
    spec = canonical_json(EXPERIMENT.train_encoder("net", "classifier", 0))
    paths = ["--dataset", f"{folder}/dataset/header.json", "--weights", "--scratch", f"{folder}/training"]
    assert main(["train_encoder", "--spec", spec, *paths, "--out", f"{folder}/net"]) == 0
    spec = canonical_json(EXPERIMENT.fit_marginal())
    paths = ["--dataset", f"{folder}/dataset/header.json", "--pretrained", "--scratch", f"{folder}/fit"]
    assert main(["fit_marginal", "--spec", spec, *paths, "--out", f"{folder}/marginal"]) == 0
    return folder


def arguments(folder, name):
    spec = canonical_json(EXPERIMENT.fit_decoders("net", "classifier", 0, 1))
    inputs = [
        "--dataset",
        f"{folder}/dataset/header.json",
        "--checkpoints",
        f"{folder}/net",
        "--pretrained",
        "--neighbour",
    ]
    outputs = ["--scratch", f"{folder}/{name}.scratch", "--out", f"{folder}/{name}"]
    return ["fit_decoders", "--spec", spec, "--device", "cpu", *inputs, *outputs]


def run(command):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command], env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_torchrun_leaves_the_files_of_one_process(trained):
    assert main(arguments(trained, "one")) == 0
    two = run([*TORCHRUN, "-m", "ib_analysis", *arguments(trained, "two")])
    assert two.returncode == 0, two.stderr
    assert files_of(trained / "one") == files_of(trained / "two")
    assert files_of(trained / "one.scratch") == files_of(trained / "two.scratch")
    for name in ("pooled.image", "pooled.label"):
        assert two.stderr.count(f"{name}: 100%") == 1
        expected = load_decoder(trained / "one" / f"{name}.safetensors").state_dict()
        found = load_decoder(trained / "two" / f"{name}.safetensors").state_dict()
        for weight in expected:
            # Four steps move a weight by up to 4e-3; the order of sums by 1e-7, times what Adam makes of it.
            torch.testing.assert_close(found[weight], expected[weight], rtol=1e-4, atol=1e-4)
    one_fits, two_fits = (json.loads((trained / n / "fits.json").read_text()) for n in ("one", "two"))
    assert one_fits["pooled.image"]["best_step"] > 0  # else the weights were those of the beginning
    for name, fit in one_fits.items():
        assert two_fits[name]["best_step"] == fit["best_step"]
        assert two_fits[name]["holdout_nats"] == pytest.approx(fit["holdout_nats"], rel=1e-4)
    counts = [json.loads((trained / n / "provenance.json").read_text())["processes"] for n in ("one", "two")]
    assert counts == [1, 2]


def test_processes_started_here_fail_with_the_one_sentence_of_one_process(trained):
    scratch = Path(f"{trained}/busy.scratch")
    scratch.mkdir()
    with (scratch / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4242")
        lock.flush()
        failed = run([sys.executable, "-m", "ib_analysis", *arguments(trained, "busy"), "--processes", "2"])
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"ib-analysis: {scratch} is in use by process 4242")
    assert len(failed.stderr.splitlines()) == 1, failed.stderr
    assert not (trained / "busy").exists()


def test_a_killed_process_is_named_once():
    assert _sentence({0: PARTNER_LOST, 1: -9}).startswith("the process of rank 1 was killed (SIGKILL)")
    assert _sentence({0: -15, 1: -9}).startswith("the process of rank 1 was killed (SIGKILL)")
    assert _sentence({0: PARTNER_LOST, 1: -15}).startswith("the process of rank 1 was killed (SIGTERM)")
    assert _sentence({0: 1, 1: -15}) == ""  # the first has spoken, the second was told to end


def test_a_stage_of_one_process_refuses_torchrun(monkeypatch, capfd):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["evaluate_marginal", "--dataset", "x", "--decoder", "x", "--out", "x"]) == 1
    assert "evaluate_marginal runs in one process" in capfd.readouterr().err


def test_no_processes_are_refused(trained, capfd):
    assert main([*arguments(trained, "none"), "--processes", "0"]) == 1
    assert "--processes is 0: it must be at least 1" in capfd.readouterr().err


def test_each_process_has_a_gpu_of_its_own_and_its_part_of_the_threads(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    told = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    for name, value in {"LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert resolve_device("auto", 8) == torch.device("cuda:1")
    assert resolve_device("cpu", 1) == torch.device("cpu")
    assert told == [4, 1]
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(UserError, match="3 processes were started where PyTorch sees 2 GPUs"):
        resolve_device("cuda", 8)


def test_the_stages_that_fit_decoders_are_data_parallel():
    assert fit_decoders.DATA_PARALLEL
    assert fit_marginal.DATA_PARALLEL
