"""The command line of the stages: a user's mistake is one sentence on stderr, exit code 1, nothing lost."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from decoders.saving import load_decoder
from ib_analysis.__main__ import main
from ib_analysis.artefacts import canonical_json
from ib_analysis.experiment import Experiment, load_experiment
from ib_analysis.stages import fit_decoders


def experiment(**changes: object) -> Experiment:
    fit = {"steps": 4, "batch_size": 8, "evaluate_every": 2}
    return load_experiment(
        {
            "name": "tiny",
            "dataset": {"kind": "known_information", "count": 60, "levels": 4, "scale": 0.5},
            "encoders": {
                "net": {
                    "architecture": {"kind": "resnet", "blocks": [1, 1], "widths": [4, 4], "bottleneck": 4},
                    "regimes": {"classifier": {"epochs": 1, "batch_size": 8}},
                    "epochs": [0, 1],
                    "taps": ["h1", "pooled"],
                }
            },
            "decoders": {
                "image": {
                    "kind": "pixelcnn_pp",
                    "filters": 4,
                    "layers": 1,
                    "mixtures": 2,
                    "context_filters": 4,
                },
                "image_fit": fit,
                "label_fit": fit,
            },
            **changes,
        }
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    spec = canonical_json(experiment().prepare_dataset())
    assert main(["prepare_dataset", "--spec", spec, "--out", str(folder / "dataset")]) == 0
    return folder


@pytest.fixture(scope="module")
def trained(prepared: Path) -> Path:
    spec = canonical_json(experiment().train_encoder("net", "classifier", 0))
    assert main(train_arguments(prepared, spec)) == 0
    spec = canonical_json(experiment().fit_marginal())
    paths = ["--dataset", f"{prepared}/dataset/header.json", "--pretrained", "--scratch", f"{prepared}/fits"]
    assert main(["fit_marginal", "--spec", spec, *paths, "--out", f"{prepared}/marginal"]) == 0
    return prepared


def train_arguments(folder: Path, spec: str, *more: str) -> list[str]:
    paths = [
        "--dataset",
        f"{folder}/dataset/header.json",
        "--weights",
        "--scratch",
        f"{folder}/scratch",
        "--out",
        f"{folder}/net",
    ]
    return ["train_encoder", "--spec", spec, *paths, *more]


def fit_arguments(folder: Path, out: str = "decoders") -> list[str]:
    spec = canonical_json(experiment().fit_decoders("net", "classifier", 0, 1))
    paths = ["--dataset", f"{folder}/dataset/header.json", "--checkpoints", f"{folder}/net"]
    return [
        "fit_decoders",
        "--spec",
        spec,
        *paths,
        "--pretrained",
        "--neighbour",
        "--scratch",
        f"{folder}/fits",
        "--out",
        f"{folder}/{out}",
    ]


def refused(capfd: pytest.CaptureFixture[str], arguments: list[str], *words: str) -> None:
    capfd.readouterr()
    assert main(arguments) == 1
    error = capfd.readouterr().err
    sentences = [line for line in error.splitlines() if line.startswith("ib-analysis: ")]
    assert len(sentences) == 1, error
    assert "Traceback" not in error
    for word in words:
        assert word in sentences[0]


def test_an_unknown_stage_lists_the_stages(capfd):
    refused(capfd, ["fit_decoder"], "train_encoder", "fit_decoders", "write_report")


def test_a_spec_that_is_no_json_or_has_a_wrong_key(capfd, prepared):
    refused(capfd, train_arguments(prepared, "{"), "--spec is not valid JSON")
    slice_ = experiment().train_encoder("net", "classifier", 0) | {"sede": 1}
    refused(capfd, train_arguments(prepared, canonical_json(slice_)), "--spec: sede")


def test_code_that_changed_since_the_workflow_started(capfd, prepared):
    spec = canonical_json(experiment().train_encoder("net", "classifier", 0))
    refused(
        capfd, train_arguments(prepared, spec, "--code", "0123456789abcdef"), "changed after the workflow"
    )


def test_a_gpu_where_there_is_none(capfd, prepared, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    spec = canonical_json(experiment().train_encoder("net", "classifier", 0))
    refused(capfd, train_arguments(prepared, spec, "--device", "cuda"), "no GPU", "--device cpu")


def test_a_device_that_does_not_exist(capfd, prepared):
    spec = canonical_json(experiment().train_encoder("net", "classifier", 0))
    refused(capfd, train_arguments(prepared, spec, "--device", "gpu"), "device is gpu", "auto", "cpu or cuda")


def test_a_setting_out_of_its_range_names_the_class_and_the_field(capfd, prepared):
    slice_ = experiment().train_encoder("net", "classifier", 0)
    slice_["architecture"]["spec"]["bottleneck"] = 0
    arguments = train_arguments(prepared, canonical_json(slice_))
    arguments[arguments.index("--out") + 1] = str(prepared / "refused")
    refused(capfd, arguments, "ib_analysis.encoders.resnet:ResNet", "bottleneck", "greater than")


def test_a_missing_data_folder(capfd, tmp_path):
    spec = canonical_json(
        experiment(dataset={"kind": "image_folder", "folder": str(tmp_path / "no")}).prepare_dataset()
    )
    refused(capfd, ["prepare_dataset", "--spec", spec, "--out", str(tmp_path / "out")], str(tmp_path / "no"))


def test_a_folder_with_one_class(capfd, tmp_path):
    (tmp_path / "images" / "cat").mkdir(parents=True)
    for i in range(12):
        Image.fromarray(np.full((8, 8), i, dtype=np.uint8)).save(tmp_path / "images" / "cat" / f"{i}.png")
    source = {"kind": "image_folder", "folder": str(tmp_path / "images"), "mode": "grey"}
    spec = canonical_json(experiment(dataset=source).prepare_dataset())
    refused(capfd, ["prepare_dataset", "--spec", spec, "--out", str(tmp_path / "out")], "one class", "cat")


def test_a_truncated_and_a_foreign_checkpoint(capfd, trained):
    checkpoint = trained / "net" / "epoch-1.safetensors"
    whole = checkpoint.read_bytes()
    try:
        checkpoint.unlink()
        checkpoint.write_bytes(whole[: len(whole) // 2])
        refused(capfd, fit_arguments(trained), "epoch-1.safetensors", "is not the file", "remove it and run")
        checkpoint.write_bytes(b"PK\x03\x04 something else")
        refused(capfd, fit_arguments(trained), "epoch-1.safetensors")
    finally:
        checkpoint.write_bytes(whole)


def test_a_file_that_is_spoilt_in_place_is_made_again_when_it_is_deleted(capfd, trained):
    """The folder and the finished work in scratch are hard links to the same bytes."""
    assert main(fit_arguments(trained, out="spoilt")) == 0
    weights, kept = trained / "spoilt/h1.label.safetensors", list((trained / "fits").glob("h1.label.*"))
    whole = weights.read_bytes()
    with weights.open("r+b") as file:
        file.seek(len(whole) // 2)
        file.write(bytes([whole[len(whole) // 2] ^ 1]))
    assert (kept[0] / "decoder.safetensors").read_bytes() == weights.read_bytes() != whole
    weights.unlink()
    capfd.readouterr()
    assert main(fit_arguments(trained, out="spoilt")) == 0
    assert weights.read_bytes() == whole
    assert f"{kept[0]} is damaged" in capfd.readouterr().out


def test_a_loss_that_is_not_finite_names_the_epoch_and_the_rate(capfd, prepared, tmp_path):
    slice_ = experiment().train_encoder("net", "classifier", 0)
    slice_["training"] |= {"learning_rate": 1e30, "schedule": "constant", "epochs": 1}
    slice_["architecture"]["spec"]["norm"] = "none"
    arguments = train_arguments(prepared, canonical_json(slice_))
    arguments[arguments.index("--out") + 1] = str(tmp_path / "net")
    refused(capfd, arguments, "not finite", "epoch 1", "learning")


def test_a_full_disk_is_said_and_the_finished_decoder_is_kept(capfd, trained, monkeypatch):
    kept = []
    whole = fit_decoders.fit_or_reuse

    def full_at_the_second(piece, scratch, device):
        if kept:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(scratch))
        kept.append(whole(piece, scratch, device))
        return kept[-1]

    monkeypatch.setattr(fit_decoders, "fit_or_reuse", full_at_the_second)
    refused(capfd, fit_arguments(trained), "disk is full", "finished work is kept")
    assert not (trained / "decoders").exists()
    first = (kept[0] / "decoder.safetensors").stat().st_mtime_ns
    monkeypatch.undo()
    assert main(fit_arguments(trained)) == 0
    assert (kept[0] / "decoder.safetensors").stat().st_mtime_ns == first
    fits = json.loads((trained / "decoders" / "fits.json").read_text())
    assert set(fits) == {"h1.image", "h1.label", "pooled.image", "pooled.label"}


def test_a_file_in_the_place_of_an_output_folder_is_said(capfd, trained):
    (trained / "taken").write_text("mine")
    refused(
        capfd,
        fit_arguments(trained, out="taken/decoders"),
        f"{trained}/taken",
        "move away what is in its place",
    )
    assert (trained / "taken").read_text() == "mine"


def test_stored_and_recomputed_activations_fit_the_same_decoders(trained):
    slice_ = experiment().fit_decoders("net", "classifier", 0, 1)
    weights = {}
    for source in ("stored", "recomputed"):
        slice_["activations"]["source"] = source
        arguments = fit_arguments(trained, out=source)
        arguments[2] = canonical_json(slice_)
        arguments[arguments.index("--scratch") + 1] = str(trained / f"scratch-{source}")
        assert main(arguments) == 0
        weights[source] = load_decoder(trained / source / "h1.image.safetensors").state_dict()
        assert not (trained / f"scratch-{source}" / "activations").exists()
    for name, stored in weights["stored"].items():
        torch.testing.assert_close(stored, weights["recomputed"][name], rtol=1e-4, atol=1e-5)
