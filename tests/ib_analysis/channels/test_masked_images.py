"""Views of images: what is kept stays at its place, what is folded can be unfolded."""

import numpy as np
import pytest

from ib_analysis.channels.kept_rows import KeptRows
from ib_analysis.channels.masked_images import fold_rows, keep_rows, put_side_by_side
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 16, (5, 3, 8, 8)).astype(np.uint8)


def test_kept_rows_are_those_of_the_channel_whose_information_is_known():
    law = IndependentPixels.uniform(8, 16, 3)
    expected = KeptRows(3)(law, IMAGES, np.random.default_rng(0))
    np.testing.assert_array_equal(keep_rows(IMAGES, 3, 16), expected)


@pytest.mark.parametrize("rows", [1, 3, 4, 8])
def test_folding_loses_nothing_and_leaves_the_top_rows_at_their_place(rows):
    h = fold_rows(IMAGES, rows, 16)
    folds = -(-8 // rows)
    assert h.shape == (5, 3 * folds, rows, 8)
    levels = np.rint((h + 1) * 7.5).astype(np.uint8)
    np.testing.assert_array_equal(levels[:, :3], IMAGES[:, :, :rows])
    unfolded = np.concatenate([levels[:, 3 * k : 3 * (k + 1)] for k in range(folds)], axis=2)
    np.testing.assert_array_equal(unfolded[:, :, :8], IMAGES)


def test_two_images_stand_side_by_side():
    both = put_side_by_side(IMAGES[:2], IMAGES[2:4])
    assert both.shape == (2, 3, 8, 16)
    np.testing.assert_array_equal(both[..., 8:], IMAGES[2:4])


def test_rows_that_there_are_not_are_refused():
    with pytest.raises(UserError, match="9 rows are asked for and the images have 8"):
        keep_rows(IMAGES, 9, 16)
