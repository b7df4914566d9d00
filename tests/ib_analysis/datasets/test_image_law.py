"""Laws that every distribution over images obeys, by enumeration of tiny ones and by drawing from large ones."""

import itertools
from functools import cache

import numpy as np
import pytest

from ib_analysis.datasets.factors import FACTORS, Factors
from ib_analysis.datasets.image_law import FiniteLaw, SymmetricNoise, mutual_information_nats
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.low_bits import LowBits
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.datasets.rectangles import Rectangles
from ib_analysis.datasets.teacher import Teacher
from ib_analysis.datasets.templates import Templates
from ib_analysis.datasets.tiles import Tiles
from ib_analysis.errors import UserError

TINY = {
    "independent": IndependentPixels.logistic(2, 4, means=(1.2,), scales=(0.7,)),
    "independent-rgb": IndependentPixels.logistic(2, 2, means=(0.2, 0.5, 0.9), scales=(0.3, 1.0, 0.1)),
    "uniform": IndependentPixels.uniform(2, 3, 1),
    "markov": RasterMarkov(2, 4, 0.7, 0.6),
    "markov-rgb": RasterMarkov(2, 2, 0.6, 0.4, channels=3),
    "rectangles": Rectangles(2, 4),
    "rectangles-low-bits": LowBits(Rectangles(2, 2), 1),
    "markov-low-bits": LowBits(RasterMarkov(2, 2, 0.6, 0.4), 1),
    "teacher": Teacher(2, 4, 1, 0.6),
    "teacher-rgb": Teacher(2, 2, 3, 0.4, weights=3),
    "templates": Templates(2, 4, 1, 5, seed=1),
    "templates-rgb": Templates(2, 2, 3, 9, seed=7),
    "tiles": Tiles(2, 4, 1, 1, 0.3),
    "tiles-of-four": Tiles(2, 4, 1, 2, 0.1),
    "tiles-rgb": Tiles(2, 2, 3, 2, 0.2),
    "tiles-cut": Tiles(4, 2, 1, 2, 0.15),
    "factors-rgb": Factors(8, 4, 3),
    "factors": Factors(10, 3, 1),
}
LARGE = TINY | {
    "independent-256": IndependentPixels.logistic(8, 256, (127.5, 60.0, 127.5), (5.0, 10.0, 20.0)),
    "still": IndependentPixels.logistic(8, 256, (127.0,), (0.1,)),
    "markov-256": RasterMarkov(16, 256, 0.9, 5.0),
    "markov-rgb-32": RasterMarkov(16, 32, 0.8, 1.0, channels=3),
    "rectangles-low-bits-256": LowBits(Rectangles(16, 16), 4),
    "factors-low-bits-rgb": LowBits(Factors(16, 32, 3), 3),
    "templates-rgb-16": Templates(16, 2, 3, 64, seed=1),
    "tiles-rgb-16": Tiles(16, 16, 3, 2, 0.3),
    "teacher-rgb-256": Teacher(16, 256, 3, 5.0),
    "teacher-8": Teacher(8, 8, 1, 0.5, weights=2),
}
by_law = pytest.mark.parametrize("law", TINY.values(), ids=TINY)
by_large_law = pytest.mark.parametrize("law", LARGE.values(), ids=LARGE)


@cache
def every_image(law) -> np.ndarray:
    """All that the law may draw, and, but for the factors, all that it may not."""
    if isinstance(law, Factors):
        return law.render(np.arange(law.count))
    images = itertools.product(range(law.levels), repeat=law.dimensions)
    return np.array(list(images), np.uint8).reshape(-1, *law.shape)


def entropy(p):
    p = np.asarray(p, float).ravel()
    return -(p[p > 0] * np.log(p[p > 0])).sum()


def literal_information(joint):
    return entropy(joint.sum(0)) + entropy(joint.sum(1)) - entropy(joint)


def joint_with(groups, values, p, size):
    return np.bincount(groups * size + values, p, (groups.max() + 1) * size).reshape(-1, size)


@by_law
def test_probabilities_of_all_images_add_up_to_1(law):
    assert np.exp(law.log_probability(every_image(law))).sum() == pytest.approx(1, abs=1e-12)


@by_law
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_everything_known_by_enumeration(law, noise):
    images, classes = every_image(law), len(law.class_names)
    p, label = np.exp(law.log_probability(images)), law.label(images)
    transition = np.where(np.eye(classes, dtype=bool), 1 - noise, noise / (classes - 1))
    expected = {"H(x)": entropy(p)}
    expected["H(y)"] = entropy(np.bincount(label, p, classes) @ transition)
    everything = joint_with(np.arange(len(p)), label, p, classes) @ transition
    expected["I(y;x)"] = literal_information(everything)
    for t in range(1, law.shape[1] + 1):
        seen = images[:, :, :t].reshape(len(images), -1)
        _, group = np.unique(seen, axis=0, return_inverse=True)
        joint = joint_with(group.ravel(), label, p, classes)
        expected[f"I(x;rows{t})"] = entropy(joint.sum(1))
        expected[f"I(y;rows{t})"] = literal_information(joint @ transition)
    if isinstance(law, Factors):
        for name, values in zip(FACTORS, law.factors(images).T):
            expected[f"I(x;{name})"] = entropy(np.bincount(values, p))
    known, stderr = law.known(noise), law.standard_errors()
    assert known.keys() == expected.keys()
    for name in expected:
        assert abs(known[name] - expected[name]) <= 4 * stderr.get(name, 0.0) + 1e-11, name


@by_large_law
def test_mean_surprise_of_samples_is_the_entropy(law):
    images = law.draw(2000 if law.dimensions < 100 else 300, np.random.default_rng(1))
    surprise = -law.log_probability(images)
    truth = law.nats("H(x)")
    stderr = np.hypot(surprise.std(ddof=1) / np.sqrt(len(surprise)), truth.stderr)
    assert abs(surprise.mean() - truth.nats) <= 4 * stderr + 1e-9 * truth.nats


@pytest.mark.parametrize(
    "name", [name for name in TINY if TINY[name].dimensions <= 4 and TINY[name].levels <= 4]
)
def test_samples_have_their_probabilities(name):
    law, n = TINY[name], 40_000
    drawn = law.draw(n, np.random.default_rng(2)).reshape(n, -1) @ law.levels ** np.arange(law.dimensions)
    codes = every_image(law).reshape(-1, law.dimensions) @ law.levels ** np.arange(law.dimensions)
    p = np.exp(law.log_probability(every_image(law)))[np.argsort(codes)]
    counts = np.bincount(drawn, minlength=len(p))
    assert counts[p == 0].sum() == 0
    usual = n * p > 20
    assert np.abs((counts - n * p)[usual] / np.sqrt(n * p * (1 - p))[usual]).max() < 4.5


@by_large_law
def test_images_have_their_shape_and_levels_and_come_again_under_one_seed(law):
    images = law.draw(50, np.random.default_rng(3))
    assert images.shape == (50, *law.shape)
    assert images.dtype == np.uint8
    assert images.max() < law.levels
    assert law.log_probability(images).shape == law.label(images).shape == (50,)
    assert set(law.label(images)) <= set(range(len(law.class_names)))
    np.testing.assert_array_equal(images, law.draw(50, np.random.default_rng(3)))


@pytest.mark.parametrize("law", [law for law in LARGE.values() if isinstance(law, FiniteLaw)], ids=str)
def test_a_finite_universe_is_each_image_once(law):
    images = law.render(np.arange(law.count))
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == law.count
    np.testing.assert_allclose(law.log_probability(images), -np.log(law.count))
    assert law.nats("H(x)").nats == pytest.approx(np.log(law.count), abs=1e-12)


@pytest.mark.parametrize("values", [2, 3, 10])
def test_the_symmetric_channel_replaces_by_each_other_value_alike(values):
    noise, n = SymmetricNoise(0.3, values), 60_000
    matrix = noise.matrix()
    np.testing.assert_allclose(matrix.sum(1), 1)
    assert noise.entropy_nats() == pytest.approx(entropy(matrix[0]), abs=1e-12)
    share = np.bincount(noise(np.ones(n, int), np.random.default_rng(0)), minlength=values) / n
    assert np.abs(share - matrix[1]).max() < 4.5 * np.sqrt(0.25 / n)


def test_mutual_information_of_a_table():
    rng = np.random.default_rng(0)
    joint = rng.random((5, 7))
    joint[0, 0] = joint[3] = 0
    joint /= joint.sum()
    assert mutual_information_nats(joint) == pytest.approx(literal_information(joint), abs=1e-12)


def test_what_a_law_does_not_know_is_a_sentence():
    with pytest.raises(UserError, match=r"I\(x;colour\): not known for Rectangles; choose from H\(x\)"):
        Rectangles(4, 2).nats("I(x;colour)")
