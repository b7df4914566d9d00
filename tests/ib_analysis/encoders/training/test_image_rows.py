"""Batches are the rows asked for."""

import numpy as np
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.training.image_rows import ImageRows, evenly_spaced


def test_batches_are_the_rows_in_the_order_asked_for(tmp_path):
    images = np.arange(20 * 4, dtype=np.uint8).reshape(20, 1, 2, 2)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    part = Part("encoder", mapped, np.arange(20, dtype=np.int64))
    order = [np.array([3, 1, 19]), np.array([0])]
    batches = list(ImageRows(part, torch.device("cpu")).batches(order))
    for rows, (x, y) in zip(order, batches, strict=True):
        assert np.array_equal(x.numpy(), images[rows])
        assert y.tolist() == rows.tolist()


def test_blocks_cover_the_rows_once():
    part = Part("encoder", np.zeros((11, 1, 1, 1), np.uint8), np.arange(11, dtype=np.int64))
    rows = evenly_spaced(11, 7)
    blocks = list(ImageRows(part, torch.device("cpu")).blocks(rows, 3))
    assert [len(x) for x, _ in blocks] == [3, 3, 1]
    assert torch.cat([y for _, y in blocks]).tolist() == rows.tolist()
    assert len(set(rows.tolist())) == 7
