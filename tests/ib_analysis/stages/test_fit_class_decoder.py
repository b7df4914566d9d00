"""The decoder of CE(x) that is told the label gets the budget of every point, and no h."""

import json

import numpy as np
import pytest
import torch

from ib_analysis.__main__ import main
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.provenance import Job
from ib_analysis.stages import fit_marginal

SLICE = {
    "variant": "measurement", "decoder": {"implementation": "decoders.pixelcnn_pp.decoder:PixelCNNPP", "spec": {}},
    "fit": {"steps": 7, "seed": 3}, "share": 1.0,
}  # fmt: skip


@pytest.fixture
def dataset(prepared_digits):
    return prepared_digits(120)


@pytest.fixture
def fitted(dataset, tmp_path, monkeypatch):
    """The piece that a stage fits, and what it calls the result."""
    seen = {}

    def fit(piece, scratch, device):
        seen["piece"] = piece
        return tmp_path / "fitted"

    def assemble(out, pieces, job, facts):
        seen["names"] = list(pieces)

    monkeypatch.setattr(fit_marginal, "fit_or_reuse", fit)
    monkeypatch.setattr(fit_marginal, "assemble", assemble)
    pretrained = tmp_path / "pretrained"
    pretrained.mkdir()
    Job("test", {"variant": "measurement"}, "0", "cpu", 1).record(pretrained)

    def run(stage, **changed):
        given = ["--dataset", dataset / "header.json", "--pretrained", pretrained, "--scratch", tmp_path / "scratch",
                 "--out", tmp_path / "out"]  # fmt: skip
        assert main([stage, "--spec", json.dumps(SLICE | changed), "--device", "cpu", *map(str, given)]) == 0
        return seen["piece"], seen["names"]

    return run


def test_it_is_told_the_own_label_of_every_image_of_the_decoder_part(fitted, dataset):
    piece, names = fitted("fit_class_decoder")
    part = open_dataset(dataset).decoder
    images, told = piece.pairs.batch(np.arange(len(part)))
    assert names == [("image", "classes")]
    assert piece.context == (10,)
    assert torch.equal(images, torch.from_numpy(np.array(part.images)))
    assert np.array_equal(told.argmax(dim=1).numpy(), np.asarray(part.labels))
    assert torch.equal(told.sum(dim=1), torch.ones(len(part)))


def test_it_has_the_recipe_and_the_start_of_the_points(fitted, tmp_path):
    piece, _ = fitted("fit_class_decoder")
    assert (piece.fit.steps, piece.fit.seed) == (7, 3)
    assert piece.start.parent == tmp_path / "pretrained"


def test_p_of_x_is_told_nothing(fitted):
    piece, names = fitted("fit_marginal")
    assert names == [("image", "marginal")]
    assert piece.context is None
    assert piece.pairs.batch(np.arange(3))[1] is None


@pytest.mark.parametrize("stage", ["fit_class_decoder", "fit_marginal"])
def test_a_share_of_the_images_is_a_share_of_the_fit(fitted, dataset, stage):
    piece, _ = fitted(stage, share=0.5)
    assert len(piece.pairs) == round(0.5 * len(open_dataset(dataset).decoder))
