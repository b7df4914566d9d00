"""What the taps see of an image, in a sentence with the place of what they see."""

import numpy as np

from ib_analysis.encoders.sight import Sight


def test_a_crop_is_told_by_its_rows_and_columns():
    seen = np.zeros((8, 8), bool)
    seen[1:7, :6] = True
    assert Sight.of(seen).sentence == (
        "The taps see 36 of 8 x 8 pixels, rows 2-7 and columns 1-6; h cannot hold the other 28."
    )


def test_nothing_seen_and_everything_seen():
    assert Sight.of(np.ones((2, 3), bool)).sentence == "The taps see all 2 x 3 pixels."
    assert "see 0 of 2 x 3" in Sight.of(np.zeros((2, 3), bool)).sentence
