"""Parts of a squared error sum to the whole, and each holds what its name says."""

import numpy as np
import pytest

from ib_analysis.forgetting.squared_error import Kind, coefficients, kinds, sums_of


def parts_of(a, b, levels=256):
    squares = (coefficients(a, levels) - coefficients(b, levels)) ** 2
    return sums_of(squares, kinds(a.shape[-3:]))


@pytest.mark.parametrize("shape", [(5, 3, 16, 16), (5, 1, 8, 8), (5, 3, 9, 14), (5, 1, 2, 3)])
def test_bands_and_colours_sum_to_the_mean_squared_error_of_pixels(shape):
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    found = parts_of(a, b)
    plain = (((a.astype(float) - b) / 255) ** 2).mean(axis=(1, 2, 3))
    assert np.allclose(found[Kind("squared error")], plain)
    bands = [values for kind, values in found.items() if kind.measure == "frequency"]
    assert np.allclose(sum(bands), plain)
    if shape[1] == 3:
        assert np.allclose(found[Kind("lightness")] + found[Kind("colour")], plain)


def test_lightness_is_the_mean_of_channels_and_colour_what_differs_from_it():
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, 256, (4, 3, 8, 8), dtype=np.uint8) for _ in range(2))
    difference = (a.astype(float) - b) / 255
    mean = difference.mean(axis=1, keepdims=True)
    found = parts_of(a, b)
    assert np.allclose(found[Kind("lightness")], (mean**2).mean(axis=(1, 2, 3)))
    assert np.allclose(found[Kind("colour")], ((difference - mean) ** 2).mean(axis=(1, 2, 3)))


def test_grey_images_have_no_colour():
    assert {kind.measure for kind in kinds((1, 8, 8))} == {"squared error", "frequency"}


@pytest.mark.parametrize(
    ("cycles", "band"),
    [(0, (None, 1.0)), (1, (None, 1.0)), (2, (1.0, 2.0)), (4, (2.0, 4.0)), (7, (4.0, None))],
)
def test_a_cosine_of_known_cycles_lies_in_its_band(cycles, band):
    wave = np.cos(2 * np.pi * cycles * (np.arange(16) + 0.5) / 16)
    image = np.broadcast_to(np.rint(128 + 100 * wave), (1, 1, 16, 16)).astype(np.uint8)
    flat = np.full_like(image, 128 if cycles else 28)
    found = parts_of(image, flat)
    whole = found[Kind("squared error")][0]
    assert whole > 0.05
    assert found[Kind("frequency", *band)][0] > 0.99 * whole


def test_levels_are_scaled_to_one():
    black, white = np.zeros((1, 1, 4, 4), np.uint8), np.full((1, 1, 4, 4), 16, np.uint8)
    assert parts_of(black, white, levels=17)[Kind("squared error")][0] == pytest.approx(1.0)
