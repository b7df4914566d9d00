"""Smaller images are exact means over blocks."""

import numpy as np
import pytest

from ib_analysis.datasets.area_mean import area_mean, averaged
from ib_analysis.datasets.source import Block
from ib_analysis.datasets.specs.cifar import Cifar10Spec


@pytest.mark.parametrize("size", [8, 16, 32])
def test_each_pixel_is_the_rounded_mean_of_its_block(size: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    side = 32 // size
    literal = np.zeros((3, 3, size, size))
    for i in range(size):
        for j in range(size):
            block = images[:, :, i * side : (i + 1) * side, j * side : (j + 1) * side].astype(float)
            literal[:, :, i, j] = np.floor(block.mean((2, 3)) + 0.5)
    assert np.array_equal(area_mean(images, size), literal.astype(np.uint8))


def test_a_constant_image_keeps_its_level_and_the_largest_does_not_overflow() -> None:
    images = np.full((1, 3, 32, 32), 255, np.uint8)
    assert (area_mean(images, 8) == 255).all()


def test_blocks_of_the_official_size_are_untouched() -> None:
    block = Block(np.zeros((2, 3, 32, 32), np.uint8), np.array([0, 1]))
    assert next(averaged([block], 32)) is block
    smaller = next(averaged([block], 16))
    assert smaller.images.shape == (2, 3, 16, 16)
    assert smaller.labels is block.labels


def test_the_size_stands_in_the_name() -> None:
    assert Cifar10Spec().name_of("cifar10") == "cifar10"
    assert Cifar10Spec(size=16).name_of("cifar10") == "cifar10 averaged to 16x16"
