"""Whitened patches and centred labels."""

import numpy as np
import pytest
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.errors import UserError
from ib_analysis.studies.shortcut_depth.whitening import (
    WhitenedPatches,
    class_shares,
    patches,
    samples,
)


def images(count=3000, size=(2, 4, 6), seed=0):
    """Correlated pixels: each adds a shared level."""
    random = np.random.default_rng(seed)
    shared = random.integers(0, 100, (count, 1, 1, 1))
    return (shared + random.integers(0, 100, (count, *size))).astype(np.uint8)


def test_the_whole_image_becomes_a_white_vector():
    x = images()
    z = WhitenedPatches.fit(x, (4, 6), 5)(x)
    assert z.shape == (3000, 5)
    torch.testing.assert_close(z.mean(0), torch.zeros(5).double(), atol=1e-9, rtol=0)
    torch.testing.assert_close(z.T @ z / 3000, torch.eye(5).double(), atol=1e-9, rtol=0)


def test_the_first_component_is_that_of_the_largest_variance():
    x = images()
    z = WhitenedPatches.fit(x, (4, 6), 2)(x)
    mean = torch.from_numpy(x.astype(float)).flatten(1).mean(1)
    assert abs(np.corrcoef(z[:, 0], mean)[0, 1]) > 0.99


def test_patches_become_a_map_that_is_white_over_all_places():
    x = images(size=(2, 5, 6))
    z = WhitenedPatches.fit(x, (2, 2), 3)(x)
    assert z.shape == (3000, 3, 2, 3)
    flat = z.movedim(1, 3).flatten(0, 2)
    torch.testing.assert_close(flat.T @ flat / len(flat), torch.eye(3).double(), atol=1e-9, rtol=0)


def test_a_patch_holds_all_channels_of_its_pixels():
    x = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(1, 2, 4, 4)
    assert patches(x, (2, 2))[0, 1, 0].tolist() == [8, 9, 12, 13, 24, 25, 28, 29]


def test_more_dimensions_than_vary_are_refused():
    x = np.repeat(images(size=(1, 1, 1)), 4, axis=3)
    with pytest.raises(UserError, match="vary in 1 directions"):
        WhitenedPatches.fit(x, (1, 4), 2)


def test_targets_are_centred_and_rows_evenly_spaced():
    part = Part("encoder", images(6), np.array([0, 0, 0, 1, 1, 1]))
    found = samples(part, WhitenedPatches.fit(part.images, (4, 6), 2), class_shares(part.labels, 2), 2)
    assert found.x.shape == (2, 2)
    assert found.y.tolist() == [[0.5, -0.5], [-0.5, 0.5]]
