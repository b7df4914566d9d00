"""Images of the same h get the same number, across blocks and parts."""

import numpy as np
import pytest
import torch

from ib_analysis.activations import distinct
from ib_analysis.activations.activations import Activations
from ib_analysis.activations.distinct import distinct_values


class Given(Activations):
    def __init__(self, h):
        self.h, self.read = torch.tensor(h), 0

    def __len__(self):
        return len(self.h)

    def shape(self, tap):
        return self.h.shape[1:]

    def rows(self, tap, rows):
        self.read += len(rows)
        return self.h[torch.from_numpy(rows)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(distinct, "BLOCK", 2)


def test_equal_rows_have_one_number_across_blocks_and_parts():
    parts = [Given([[1.0, 2.0], [0.0, 1.0], [1.0, 2.0]]), Given([[3.0, 3.0], [-0.0, 1.0]])]
    assert distinct_values(parts, "h", 5).tolist() == [0, 1, 0, 2, 1]


def test_maps_differ_in_any_of_their_values():
    h = torch.zeros(3, 2, 4, 4)
    h[1, 1, 3, 3] = 1e-30
    assert distinct_values([Given(h.tolist())], "h", 5).tolist() == [0, 1, 0]


def test_too_many_values_end_the_reading():
    part = Given(np.arange(10.0)[:, None].tolist())
    assert distinct_values([part], "h", 3) is None
    assert part.read == 4
