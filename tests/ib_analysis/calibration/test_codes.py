"""Codes are functions of the image, their representations keep all of them, and what cannot be counted is refused."""

import numpy as np
import pytest

from ib_analysis.calibration.codes import (
    among_noise,
    binary_digits,
    check_counted,
    check_labels_are_codes,
    k_means,
    one_hot,
    others_of_class,
    random_signs,
    rotated,
)
from ib_analysis.errors import UserError


def images(n=300, seed=0):
    return np.random.default_rng(seed).integers(0, 17, (n, 1, 4, 4), dtype=np.uint8)


@pytest.mark.parametrize("make", [lambda x: k_means(x, 8, 0), lambda x: random_signs(x, 3, 0)])
def test_a_code_is_a_function_of_the_image_alone(make):
    code, x = make(images()), images(50, seed=1)
    found = code(x)
    order = np.random.default_rng(2).permutation(50)
    np.testing.assert_array_equal(code(x[order]), found[order])
    np.testing.assert_array_equal(np.concatenate([code(x[k : k + 1]) for k in range(50)]), found)
    assert found.min() >= 0
    assert found.max() < code.classes == 8


def test_the_nearest_centre_is_the_literal_one():
    code, x = k_means(images(), 8, 0), images(50, seed=1)
    distances = ((x.reshape(50, 1, -1).astype(float) - code.centres) ** 2).sum(axis=2)
    np.testing.assert_array_equal(code(x), distances.argmin(axis=1))


def test_each_sign_is_nearly_one_bit_and_bit_b_is_projection_b():
    x = images(2000)
    code = random_signs(x, 4, 0)
    bits = (code(x)[:, None] >> np.arange(4)) & 1
    assert (abs(bits.mean(axis=0) - 0.5) < 0.01).all()
    np.testing.assert_array_equal(bits[:, 2], x.reshape(2000, -1) @ code.directions[2] > code.thresholds[2])


@pytest.mark.parametrize("write", [one_hot, binary_digits])
def test_a_representation_tells_every_class(write):
    codes = np.arange(8)
    assert len(np.unique(write(codes, 8), axis=0)) == 8


def test_noise_is_joined_to_the_code_and_differs_between_parts():
    h = one_hot(np.array([0, 1, 2, 2]), 3)
    joined = among_noise(h, 5, seed=1)
    np.testing.assert_array_equal(joined[:, :3], h)
    assert joined.shape == (4, 8)
    assert not np.array_equal(joined[:, 3:], among_noise(h, 5, seed=2)[:, 3:])


@pytest.mark.parametrize("shape", [(20, 6), (20, 6, 2, 3)])
def test_a_rotation_keeps_distances_and_changes_units(shape):
    h = np.random.default_rng(0).normal(size=shape).astype("f4")
    turned = rotated(h, 1)
    assert turned.shape == shape
    gram = h.reshape(20, -1) @ h.reshape(20, -1).T
    np.testing.assert_allclose(turned.reshape(20, -1) @ turned.reshape(20, -1).T, gram, rtol=1e-3, atol=1e-3)
    assert abs(turned - h).max() > 0.1
    assert not np.allclose(turned, rotated(h, 2))


def test_the_other_image_is_never_its_own_and_of_the_same_class():
    labels = np.random.default_rng(0).integers(0, 5, 200)
    rows = others_of_class(labels, 0)
    np.testing.assert_array_equal(labels[rows], labels)
    assert (rows != np.arange(200)).all()
    np.testing.assert_array_equal(np.sort(rows), np.arange(200))


def test_labels_of_equal_images_must_be_equal():
    x = images(20)
    labels = np.arange(20)
    check_labels_are_codes(x, labels)
    x[7] = x[3]
    with pytest.raises(UserError, match="as class 3 and as class 7"):
        check_labels_are_codes(x, labels)
    labels[7] = 3
    check_labels_are_codes(x, labels)


def test_more_classes_than_images_are_refused():
    check_counted("k-means-20", 20, 20)
    with pytest.raises(UserError, match="21 classes cannot be counted on 20 images"):
        check_counted("k-means-21", 21, 20)
    with pytest.raises(UserError, match="301 codes"):
        k_means(images(300), 301, 0)


def test_a_class_with_one_image_has_no_other():
    with pytest.raises(UserError, match="class 1 has a single image"):
        others_of_class(np.array([0, 0, 1]), 0)
