"""Checkpoints: the same network again, or one sentence."""

import errno
import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from decoders.training.disk import DiskError
from decoders.training.tensor_file import write_tensors
from ib_analysis.encoders.checkpoint import KEY, load_checkpoint, save_checkpoint
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.kept_rows import KeptRows
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.kept_rows import KeptRowsSpec
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.errors import UserError

IMAGE = ImageShape(channels=3, height=9, width=8, levels=256)
SPEC = ResNetSpec(blocks=(1, 1), widths=(8, 16), bottleneck=4)


def encoders():
    yield ResNet(SPEC, "classifier", IMAGE, 5)
    yield ResNet(SPEC, "autoencoder", IMAGE, 5)
    yield KeptRows(KeptRowsSpec(rows=(1, 3)), "fixed", IMAGE, 5)


@pytest.mark.parametrize("encoder", list(encoders()), ids=lambda e: e.regime)
def test_the_network_comes_back_identical_and_frozen(tmp_path, encoder):
    encoder.initialise(torch.Generator().manual_seed(7))
    encoder.set_normalisation(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.5, 0.6, 0.7]))
    x = torch.randint(0, 256, (6, 3, 9, 8), dtype=torch.uint8)
    encoder.train()(x)  # moves the running statistics, which are part of the state
    path = tmp_path / "e.safetensors"
    save_checkpoint(encoder, path, epoch=3, seed=11)
    loaded = load_checkpoint(path)
    assert (loaded.epoch, loaded.seed) == (3, 11)
    assert loaded.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.encoder.description() == encoder.description()
    assert torch.equal(loaded.encoder(x), encoder.eval()(x))
    assert not loaded.encoder.training
    assert not any(p.requires_grad for p in loaded.encoder.parameters())


def test_the_same_state_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save_checkpoint(ResNet(SPEC, "classifier", IMAGE, 5), tmp_path / name, epoch=0, seed=0)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.999])
def test_a_truncated_file_is_refused_by_name(tmp_path, share):
    path = tmp_path / "cut.safetensors"
    save_checkpoint(ResNet(SPEC, "classifier", IMAGE, 5), path, epoch=0, seed=0)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UserError, match=r"cut\.safetensors: is truncated.*remove it"):
        load_checkpoint(path)


def about(**changes):
    return {**ResNet(SPEC, "classifier", IMAGE, 5).description(), "epoch": 0, "seed": 0, **changes}


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"format": "pt"},
        {"checkpoint": "not json"},
        {"checkpoint": "[]"},
        {"checkpoint": json.dumps({"description": about(), "sha256": "0"})},
    ],
)
def test_a_foreign_file_is_refused_and_executes_nothing(tmp_path, metadata):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(UserError, match=r"foreign\.safetensors"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "described",
    [
        about(implementation="os:system"),
        about(implementation="ib_analysis.errors:UserError"),
        about(implementation="ib_analysis.units:bits"),
        about(spec={"unknown": 1}),
        about(regime="fixed"),
        about(),  # describes a network whose weights are not in the file
    ],
)
def test_a_description_that_does_not_fit_is_refused_and_executes_nothing(tmp_path, described):
    path = tmp_path / "foreign.safetensors"
    write_tensors(path, KEY, described, {"weight": torch.zeros(2)})
    with pytest.raises(UserError, match=r"foreign\.safetensors"):
        load_checkpoint(path)


@pytest.mark.parametrize("where", [0.2, 0.5, 0.7, 0.9, 0.999])
def test_a_flipped_bit_is_refused_by_name(tmp_path, where):
    path = tmp_path / "flipped.safetensors"
    save_checkpoint(ResNet(SPEC, "classifier", IMAGE, 5), path, epoch=0, seed=0)
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"flipped\.safetensors: is .*damaged.*remove it"):
        load_checkpoint(path)


def test_a_full_disk_is_said_and_the_earlier_checkpoint_stays(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    path, encoder = tmp_path / "e.safetensors", ResNet(SPEC, "classifier", IMAGE, 5)
    save_checkpoint(encoder, path, epoch=0, seed=0)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskError, match=r"e\.safetensors: the disk is full \(No space left"):
        save_checkpoint(encoder, path, epoch=1, seed=0)
    assert load_checkpoint(path).epoch == 0


def test_a_missing_file_and_a_text_file_are_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.safetensors is missing"):
        load_checkpoint(tmp_path / "none.safetensors")
    (tmp_path / "text").write_text("hello, I am no checkpoint at all\n" * 10)
    with pytest.raises(UserError, match="text: is truncated, damaged or not a checkpoint"):
        load_checkpoint(tmp_path / "text")
