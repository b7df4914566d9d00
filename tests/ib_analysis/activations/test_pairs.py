"""Pairs join the images and labels of a part with their own activations."""

import numpy as np
import torch

from ib_analysis.activations.pairs import ImagePairs, LabelPairs, apply_control
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


class Numbered:
    """Target i goes with h = i."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def batch(self, rows):
        return torch.from_numpy(rows), torch.from_numpy(rows).float()


def test_shuffled_pairs_give_every_image_the_h_of_another_each_h_once():
    pairs = apply_control(Numbered(50), "shuffled", 1.0, seed=3)
    target, h = pairs.batch(np.arange(50))
    assert target.tolist() == list(range(50))
    assert sorted(h.int().tolist()) == list(range(50))
    assert not (target == h).any()
    assert pairs.batch(np.array([7]))[1].item() == h[7].item()


def test_a_share_of_the_pairs_keeps_pairs_together():
    pairs = apply_control(Numbered(50), "own", 0.5, seed=3)
    target, h = pairs.batch(np.arange(len(pairs)))
    assert len(pairs) == 25
    assert target.tolist() == h.int().tolist() == sorted(set(target.tolist()))


def test_without_a_control_the_pairs_are_their_own():
    pairs = Numbered(5)
    assert apply_control(pairs, "own", 1.0, seed=0) is pairs
