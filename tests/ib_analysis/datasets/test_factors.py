import numpy as np
import pytest

from ib_analysis.datasets.factors import FACTORS, SHAPES, TEXTURES, Factors, _masks
from ib_analysis.units import bits


def distinct(images) -> int:
    return len({image.tobytes() for image in images})


@pytest.mark.parametrize("size", range(8, 33))
def test_no_two_choices_of_factors_give_the_same_image(size):
    law = Factors(size, 3, 1)
    images = law.render(np.arange(law.count))
    assert distinct(images) == law.count
    np.testing.assert_array_equal(law.render_factors(law.factors(images)), images)


@pytest.mark.parametrize(("size", "levels"), [(8, 3), (8, 256), (9, 17), (16, 4)])
def test_no_two_choices_give_the_same_image_in_colour(size, levels):
    law = Factors(size, levels, 3)
    images = law.render(np.arange(law.count))
    assert distinct(images) == law.count == len(SHAPES) * len(TEXTURES) * 7 * len(law.values[1]) ** 2
    numbers = np.ravel_multi_index(law.factors(images).T, tuple(len(values) for values in law.values))
    np.testing.assert_array_equal(numbers, np.arange(law.count))
    assert set(np.unique(images)) == {0, levels // 2, levels - 1}


@pytest.mark.parametrize(
    ("size", "channels", "count"), [(8, 3, 2800), (16, 3, 9072), (32, 3, 32368), (8, 1, 400)]
)
def test_information_about_a_factor_is_the_logarithm_of_its_values(size, channels, count):
    law = Factors(size, 256, channels)
    known = law.known(0.0)
    assert law.count == count
    assert bits(known["H(x)"]) == pytest.approx(np.log2(count), abs=1e-12)
    assert bits(known["I(x;shape)"]) == bits(known["I(y;x)"]) == pytest.approx(2, abs=1e-12)
    assert bits(known["I(x;texture)"]) == pytest.approx(2, abs=1e-12)
    assert bits(known["I(x;colour)"]) == pytest.approx(np.log2(2**channels - 1), abs=1e-12)
    assert sum(known[f"I(x;{name})"] for name in FACTORS) == pytest.approx(known["H(x)"], abs=1e-12)


def test_every_shape_touches_all_four_sides_of_its_box():
    for mask in _masks(6):
        assert all(side.any() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def test_the_label_is_the_shape():
    law = Factors(8, 256, 3)
    factors = np.zeros((4, 5), np.int64)
    factors[:, 0] = np.arange(4)
    assert law.label(law.render_factors(factors)).tolist() == [0, 1, 2, 3]
    assert law.class_names == ("square", "frame", "cross", "diagonals")


def test_what_was_not_rendered_is_impossible():
    law = Factors(8, 256, 3)
    images = np.repeat(law.render(np.array([0])), 5, axis=0)
    images[1] = 0  # nothing at all
    images[2, 0, 0, 0] ^= 1  # another brightness
    images[3, :, 7, 7] = 255  # a second object
    images[4] = 255  # all is lit
    assert np.isneginf(law.log_probability(images)).tolist() == [False, True, True, True, True]


@pytest.mark.parametrize(("size", "levels"), [(7, 256), (8, 2)])
def test_too_small_for_objects(size, levels):
    with pytest.raises(ValueError, match="8 pixels and 3 levels"):
        Factors(size, levels, 3)
