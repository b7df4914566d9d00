"""A seed draws its own training images, and all networks of it the same."""

import numpy as np
import pytest

from ib_analysis.datasets.dataset import Part
from ib_analysis.errors import UserError
from ib_analysis.studies.training_part import training_part


@pytest.fixture
def encoder():
    images = np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1)
    return Part("encoder", images, np.arange(40, dtype=np.int64))


def test_every_seed_draws_its_own_images_without_repetition_and_with_their_labels(encoder):
    first, again, other = (training_part(encoder, 24, seed, "rir") for seed in (0, 0, 1))
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert len(np.unique(first.images)) == 24
    assert np.array_equal(first.images.ravel(), first.labels)


def test_all_images_are_the_part_itself(encoder):
    assert training_part(encoder, None, 0, "rir") is encoder


def test_more_training_images_than_there_are_is_a_mistake(encoder):
    with pytest.raises(UserError, match=r"studies\.stable\.training_images: 41 are asked for.*has 40"):
        training_part(encoder, 41, 0, "stable")
