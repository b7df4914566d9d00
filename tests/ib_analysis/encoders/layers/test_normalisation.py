"""Pixel statistics and normalisation."""

import numpy as np
import pytest
import torch

from ib_analysis.encoders.layers.normalisation import Normalise, pixel_statistics


def test_statistics_equal_a_float64_pass_over_all_pixels():
    images = np.random.default_rng(0).integers(0, 17, (50, 3, 4, 5)).astype(np.uint8)
    mean, std = pixel_statistics(images, levels=17, block=7)
    scaled = images.astype(np.float64) / 16
    np.testing.assert_allclose(mean, scaled.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std, scaled.std(axis=(0, 2, 3)), rtol=1e-6)


def test_normalised_pixels_have_mean_zero_and_variance_one():
    images = np.random.default_rng(1).integers(0, 256, (40, 2, 6, 6)).astype(np.uint8)
    normalise = Normalise(2, 256)
    normalise.set(*pixel_statistics(images, 256))
    h = normalise(torch.from_numpy(images))
    assert h.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert h.std(dim=(0, 2, 3), correction=0).tolist() == pytest.approx([1, 1], rel=1e-5)
    assert set(normalise.state_dict()) == {"mean", "std"}


def test_a_channel_that_never_varies_does_not_divide_by_zero():
    mean, std = pixel_statistics(np.full((3, 1, 2, 2), 255, np.uint8), 256)
    assert (mean.item(), std.item()) == (1.0, 1.0)
