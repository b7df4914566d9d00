"""Images that a network was trained on are evaluated, each with its own h, and named as what they are."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ib_analysis.__main__ import main
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.errors import UserError
from ib_analysis.information.measurement.own_images import OwnImages, read_own_images, write_own_images
from ib_analysis.point import Network
from ib_analysis.provenance import Job
from ib_analysis.stages import evaluate_own_images

DECODER = {"implementation": "decoders.pixelcnn_pp.decoder:PixelCNNPP", "spec": {}}
SLICE = {
    "variant": "measurement", "encoder": "net", "regime": "classifier", "seed": 0, "epochs": [3], "taps": ["sum"],
    "architecture": DECODER, "precision": "float32", "decoder": DECODER, "label_decoder": DECODER, "images": 20,
}  # fmt: skip
NETWORK = Network("net", "classifier", 0)


class Encoder(torch.nn.Module):
    taps = (SimpleNamespace(name="sum", shape=(1,)),)

    def activations(self, x, names):
        return {"sum": x.float().flatten(1).sum(1, keepdim=True)}


class FakeDecoder(torch.nn.Module):
    """Nats that are the sum of the levels of an image, and many more where h is of another image; twice without h."""

    bytes_per_example = 1

    def forward(self, h):
        def log_prob(x):
            own = x.float().flatten(1).sum(1)
            return -2 * own if h is None else -(own + 1000.0 * (h[:, 0] - own).abs())

        return SimpleNamespace(log_prob=log_prob)


class FakeLabelDecoder(torch.nn.Module):
    """Nats that are the label, and h of its image."""

    bytes_per_example = 1

    def forward(self, h):
        return SimpleNamespace(log_prob=lambda y: -(y + 1000.0 * h[:, 0]))


def test_own_images_are_of_the_encoder_part_evenly_spaced_and_read_with_their_own_h(
    prepared_digits, tmp_path, monkeypatch
):
    folder = prepared_digits(360)
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    Job("test", {}, "0", "cpu", 1).record(nothing)
    monkeypatch.setattr(
        evaluate_own_images,
        "load_decoder",
        lambda path: FakeLabelDecoder() if ".label." in path.name else FakeDecoder(),
    )
    monkeypatch.setattr(
        evaluate_own_images, "load_checkpoint", lambda path: SimpleNamespace(encoder=Encoder())
    )
    out, own = tmp_path / "own.npz", open_dataset(folder).encoder
    paths = [
        "--dataset",
        folder / "header.json",
        "--checkpoints",
        nothing,
        "--marginal",
        nothing,
        "--decoders",
        nothing,
        "--out",
        out,
    ]
    assert (
        main(["evaluate_own_images", "--spec", json.dumps(SLICE), "--device", "cpu", *map(str, paths)]) == 0
    )
    found = read_own_images(out)
    rows = np.arange(20) * len(own) // 20
    sums, point = own.images[rows].reshape(20, -1).sum(axis=1), NETWORK.at(3, "sum")
    assert np.array_equal(found.rows, rows)
    assert np.array_equal(found.marginal, 2 * sums)
    assert np.array_equal(found.nats[point, "image"], sums)
    assert np.array_equal(found.nats[point, "label"], own.labels[rows] + 1000 * sums)
    assert (found.variant, found.network) == ("measurement", NETWORK)


def test_nats_survive_the_disk_with_their_points(tmp_path):
    nats = {
        (NETWORK.at(epoch, "h1"), target): np.arange(3.0) + epoch + len(target) / 10
        for epoch in (0, 5)
        for target in ("image", "label")
    }
    rows, marginal = np.array([0, 4, 9]), np.arange(3.0)
    write_own_images(tmp_path / "own.npz", OwnImages("decoder-seed-1", NETWORK, rows, marginal, nats))
    found = read_own_images(tmp_path / "own.npz")
    assert (found.variant, found.network) == ("decoder-seed-1", NETWORK)
    assert np.array_equal(found.rows, rows)
    assert np.array_equal(found.marginal, marginal)
    assert all(np.array_equal(found.nats[point], values) for point, values in nats.items())
    assert found.of_target("label").keys() == {NETWORK.at(0, "h1"), NETWORK.at(5, "h1")}


def test_a_file_of_other_images_is_refused(tmp_path):
    header = json.dumps(NETWORK._asdict() | {"variant": "measurement", "points": []})
    np.savez(tmp_path / "other.npz", header=np.array(header))
    with pytest.raises(UserError, match="other images than those of the encoder part"):
        read_own_images(tmp_path / "other.npz")
