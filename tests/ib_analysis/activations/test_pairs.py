"""Pairs: the target and h of the same image, in the order asked for."""

import numpy as np
import torch

from ib_analysis.activations.pairs import ImagePairs, LabelPairs
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.kept_rows import KeptRows
from ib_analysis.encoders.specs.kept_rows import KeptRowsSpec

CPU = torch.device("cpu")
ROWS = np.array([7, 0, 7, 3])


def part():
    images = np.random.default_rng(0).integers(0, 9, (8, 2, 4, 3)).astype(np.uint8)
    return Part("decoder", images, np.arange(8, dtype=np.int64))


def activations():
    image = ImageShape(channels=2, height=4, width=3, levels=9)
    return RecomputedActivations(KeptRows(KeptRowsSpec(rows=(1, 2)), "fixed", image, 8), part(), CPU)


def test_an_image_comes_with_its_own_h():
    pairs = ImagePairs(part(), CPU, activations(), "rows2")
    x, h = pairs.batch(ROWS)
    assert len(pairs) == 8
    assert np.array_equal(x.numpy(), part().images[ROWS])
    assert torch.equal(h, x[:, :, :2].float() / 4 - 1)


def test_a_label_comes_with_the_h_of_its_image():
    pairs = LabelPairs(part(), CPU, activations(), "rows1")
    y, h = pairs.batch(ROWS)
    assert y.tolist() == ROWS.tolist()
    assert torch.equal(h, torch.from_numpy(part().images[ROWS][:, :, :1]).float() / 4 - 1)


def test_images_alone_have_no_h():
    x, h = ImagePairs(part(), CPU).batch(ROWS)
    assert h is None
    assert x.shape == (4, 2, 4, 3)
