"""Pairs join the images and labels of a part with their own activations."""

import numpy as np
import torch

from ib_analysis.activations.pairs import ImagePairs, LabelPairs
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.kept_rows import KeptRows
from ib_analysis.encoders.specs.kept_rows import KeptRowsSpec

CPU = torch.device("cpu")


def part() -> Part:
    rng = np.random.default_rng(0)
    return Part("decoder", rng.integers(0, 5, (9, 1, 4, 4), dtype=np.uint8), rng.integers(0, 3, 9))


def test_row_i_of_h_belongs_to_image_i():
    images = part()
    shape = ImageShape(channels=1, height=4, width=4, levels=5)
    activations = RecomputedActivations(KeptRows(KeptRowsSpec(rows=(4,)), "fixed", shape, 3), images, CPU)
    rows = np.array([7, 0, 3])
    x, h = ImagePairs(images, CPU, activations, "rows4").batch(rows)
    y, same = LabelPairs(images, CPU, activations, "rows4").batch(rows)
    assert h is not None
    assert same is not None
    assert torch.equal(x, torch.from_numpy(images.images[rows]))
    assert torch.equal(y, torch.from_numpy(images.labels[rows]))
    assert torch.equal(((h[:, :1] + 1) * 2).round().to(torch.uint8), x)
    assert torch.equal(h, same)


def test_without_a_tap_there_are_images_alone():
    x, h = ImagePairs(part(), CPU).batch(np.array([1, 2]))
    assert x.shape == (2, 1, 4, 4)
    assert h is None
