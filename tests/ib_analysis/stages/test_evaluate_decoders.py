"""Every image is read with its own h, at the precision of the fit, and each kind of images is what it is called."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from decoders.categorical import CategoricalDensity
from decoders.training.batches import divide
from ib_analysis.__main__ import main
from ib_analysis.activations.pairs import ImagePairs, apply_control
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.measurement.evaluation import read_evaluation
from ib_analysis.point import Network
from ib_analysis.provenance import Job
from ib_analysis.stages import evaluate_decoders

NETWORK = Network("net", "classifier", 0)
HOLDOUT = 0.25
DESCRIBED = {"implementation": "decoders.pixelcnn_pp.decoder:PixelCNNPP", "spec": {}}
SLICE = {
    "variant": "measurement", "encoder": "net", "regime": "classifier", "seed": 0, "epochs": [3], "taps": ["sum"],
    "architecture": DESCRIBED, "precision": "float32", "decoder": DESCRIBED, "label_decoder": DESCRIBED,
    "pairing": "own", "share": 1.0, "holdout": HOLDOUT, "decoder_seed": 5,
}  # fmt: skip
LARGE = 4096.0
"""Beyond this, float16 holds even numbers of every fourth unit only."""


def h_of(images):
    return images.reshape(len(images), -1).astype(np.float32).sum(axis=1) + LARGE


class Encoder(torch.nn.Module):
    taps = (SimpleNamespace(name="sum", shape=(1,)),)

    def activations(self, x, names):
        return {"sum": x.float().flatten(1).sum(1, keepdim=True) + LARGE}


class ReadsH(torch.nn.Module):
    """Of an image the nats are its h; of a label, each class y has -(y + h) nats, which no softmax has touched."""

    bytes_per_example = 1

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, h):
        if self.name.endswith("label"):
            return CategoricalDensity(-(h + torch.arange(10.0)))
        return SimpleNamespace(log_prob=lambda x: -h[:, 0])


@pytest.fixture
def dataset(prepared_digits):
    return prepared_digits(360)


@pytest.fixture
def evaluated(dataset, tmp_path, monkeypatch):
    """What the stage writes of the one point, under changed keys of the slice."""
    monkeypatch.setattr(evaluate_decoders, "load_decoder", lambda path: ReadsH(path.stem))
    monkeypatch.setattr(evaluate_decoders, "load_checkpoint", lambda path: SimpleNamespace(encoder=Encoder()))
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    Job("test", {}, "0", "cpu", 1).record(nothing)

    def run(**changed):
        out = tmp_path / "nats.npz"
        given = [
            "--dataset",
            dataset / "header.json",
            "--checkpoints",
            nothing,
            "--decoders",
            nothing,
            "--out",
            out,
        ]
        command = [
            "evaluate_decoders",
            "--spec",
            json.dumps(SLICE | changed),
            "--device",
            "cpu",
            *map(str, given),
        ]
        assert main(command) == 0
        found = read_evaluation(out)
        assert (found.variant, found.network) == ("measurement", NETWORK)
        return found.points[NETWORK.at(3, "sum")], found.ceilings.get(NETWORK.at(3, "sum"))

    return run


def test_each_kind_of_images_is_read_with_its_own_h(evaluated, dataset):
    (found, _), data = evaluated(), open_dataset(dataset)
    of_decoder = h_of(np.asarray(data.decoder.images))
    fitted, held = divide(len(of_decoder), HOLDOUT)
    assert np.array_equal(found.image.evaluation, h_of(np.asarray(data.evaluation.images)))
    assert np.array_equal(found.image.holdout, of_decoder[held])
    assert np.array_equal(found.image.fitted, of_decoder[np.sort(fitted)])


def test_the_label_is_the_own_one_and_its_classes_are_a_law(evaluated, dataset):
    (found, _), data = evaluated(), open_dataset(dataset)
    _, held = divide(len(data.decoder), HOLDOUT)
    law = np.arange(10.0) + np.log(np.exp(-np.arange(10.0)).sum())
    assert found.label.evaluation == pytest.approx(law[np.asarray(data.evaluation.labels)], abs=2e-3)
    assert found.label.holdout == pytest.approx(law[np.asarray(data.decoder.labels)[held]], abs=2e-3)
    assert np.exp(found.classes.evaluation).sum(axis=1) == pytest.approx(1.0)


def test_h_of_a_float16_store_is_evaluated_as_it_was_fitted(evaluated, dataset):
    (found, _), data = evaluated(precision="float16"), open_dataset(dataset)
    exact = h_of(np.asarray(data.evaluation.images))
    assert np.array_equal(found.image.evaluation, exact.astype(np.float16))
    assert not np.array_equal(found.image.evaluation, exact)


def test_a_shuffled_control_gives_every_image_the_h_of_another(evaluated, dataset):
    (found, _), data = evaluated(pairing="shuffled"), open_dataset(dataset)
    own = h_of(np.asarray(data.evaluation.images))
    assert sorted(found.image.evaluation) == sorted(own)
    assert (found.image.evaluation != own).mean() > 0.9


def test_the_entropy_of_an_h_of_few_values_is_counted(evaluated, dataset, monkeypatch):
    data = open_dataset(dataset)
    bright = (
        np.concatenate([h_of(np.asarray(part.images)) for part in (data.evaluation, data.decoder)])
        > LARGE + 300
    )
    share = bright.mean()

    def two_values(self, x, names):
        return {"sum": (x.float().flatten(1).sum(1, keepdim=True) > 300).float()}

    monkeypatch.setattr(Encoder, "activations", two_values)
    _, ceiling = evaluated()
    assert 0.1 < share < 0.9
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert ceiling.nats == pytest.approx(entropy, abs=0.01)
    assert 0.0 < ceiling.stderr_nats < 0.05


def test_the_entropy_of_an_h_of_many_values_is_unknown(evaluated):
    assert evaluated()[1] is None


def test_a_share_of_the_pairs_is_divided_as_its_fit_divided_it(evaluated, dataset):
    (found, _), part = evaluated(share=0.5), open_dataset(dataset).decoder
    chosen = apply_control(ImagePairs(part, torch.device("cpu")), "own", 0.5, SLICE["decoder_seed"]).chosen
    _, held = divide(len(chosen), HOLDOUT)
    assert np.array_equal(found.image.holdout, h_of(np.asarray(part.images)[chosen[held]]))
    law = np.arange(10.0) + np.log(np.exp(-np.arange(10.0)).sum())
    assert found.label.holdout == pytest.approx(law[np.asarray(part.labels)[chosen[held]]], abs=2e-3)
