"""A crop and a border that no tap sees are measured."""

import torch


def test_a_crop_and_a_border_are_found(built, x):
    # The crop leaves rows 1-7 and columns 0-6; patches of 2x2 leave the last row and column of those out.
    seen = built("Cropping", "relu").seen_pixels(x)
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[1:7, :6] = True
    assert torch.equal(seen, expected)


def test_a_tap_that_sees_more_counts(built, x):
    seen = built("Cropping", "crop relu").seen_pixels(x)
    assert int(seen.sum()) == 7 * 7


def test_every_pixel_is_seen_where_nothing_is_cut_off(built, x):
    assert built("ResNet", "layer1 fc").seen_pixels(x).all()
    assert built("in_half", "maxpool").seen_pixels(x).all()


def test_pixels_before_the_network_resizes_them_count(built, x):
    seen = built("Cropping", "relu", preprocess={"resize": (16, 16)}).seen_pixels(x)
    assert not seen.all()
    assert seen.shape == (8, 8)


def test_a_tap_without_a_gradient_says_nothing(built, x):
    assert built("Cropping", "hard").seen_pixels(x) is None
