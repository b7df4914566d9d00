"""Laws that every channel obeys: what is said to be known, against the joint table of images and h."""

import itertools
from functools import cache

import numpy as np
import pytest

from ib_analysis.channels.counts import Counts
from ib_analysis.channels.erasure import Erasure
from ib_analysis.channels.factor_codes import FactorCodes
from ib_analysis.channels.gaussian_noise import GaussianNoise
from ib_analysis.channels.identity import Identity
from ib_analysis.channels.invertible import Invertible
from ib_analysis.channels.kept_pixels import KeptPixels
from ib_analysis.channels.kept_rows import KeptRows
from ib_analysis.channels.noisy_label import NoisyLabel
from ib_analysis.channels.permuted_pixels import PermutedPixels
from ib_analysis.channels.quantized import Quantized
from ib_analysis.channels.shuffled import Shuffled
from ib_analysis.channels.symmetric import Symmetric
from ib_analysis.datasets.factors import FACTORS, Factors
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.low_bits import LowBits
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.datasets.rectangles import Rectangles
from ib_analysis.datasets.templates import Templates
from ib_analysis.datasets.tiles import Tiles
from ib_analysis.errors import UserError

LOGISTIC = IndependentPixels.logistic(2, 4, means=(1.2,), scales=(0.7,))
COLOUR = IndependentPixels.logistic(2, 2, means=(0.2, 0.5, 0.9), scales=(0.3, 1.0, 0.1))
MARKOV = RasterMarkov(2, 4, 0.7, 0.6)
MARKOV_RGB = RasterMarkov(2, 2, 0.6, 0.4, channels=3)
RECTANGLES = Rectangles(3, 2)
NOISY = LowBits(Rectangles(2, 2), 1)
OBJECTS = Factors(8, 4, 3)
TEMPLATES = Templates(2, 3, 1, 5)
TILES = Tiles(2, 3, 1, 2, 0.2)

DETERMINISTIC = [
    (LOGISTIC, Identity()),
    (MARKOV, KeptRows(1)),
    (MARKOV_RGB, KeptRows(1)),
    (COLOUR, KeptRows(2)),
    (RECTANGLES, KeptRows(2)),
    (MARKOV, KeptPixels(2)),
    (MARKOV_RGB, KeptPixels(5)),
    (COLOUR, KeptPixels(2)),
    (LOGISTIC, Quantized(1)),
    (LOGISTIC, Quantized(0)),
    (LOGISTIC, Quantized(2)),
    (COLOUR, Quantized(1)),
    (NOISY, Quantized(1)),
    (MARKOV, Invertible(KeptRows(1), "permutation", "everything")),
    (MARKOV_RGB, Invertible(KeptRows(1), "rotation")),
    (LOGISTIC, Invertible(Identity(), "scale", "everything", seed=3)),
    (OBJECTS, FactorCodes(("shape",))),
    (OBJECTS, FactorCodes(("colour", "row"))),
    (OBJECTS, FactorCodes(FACTORS)),
    (LowBits(OBJECTS, 2), FactorCodes(("texture",))),
    (LOGISTIC, Counts(1)),
    (LOGISTIC, Counts(2)),
    (COLOUR, Counts(2)),
    (COLOUR, Counts(1, modulus=2)),
    (COLOUR, Counts(1, modulus=3)),
    (LOGISTIC, Counts(2, modulus=2)),
    (LOGISTIC, PermutedPixels(3)),
    (COLOUR, PermutedPixels(5)),
    (COLOUR, PermutedPixels(7, seed=2)),
    (MARKOV, PermutedPixels(1, seed=1)),
    (MARKOV, PermutedPixels(2)),
    (MARKOV, PermutedPixels(3, seed=5)),
    (MARKOV_RGB, PermutedPixels(6)),
    (MARKOV_RGB, PermutedPixels(12, seed=1)),
    (TEMPLATES, KeptRows(1)),
    (TEMPLATES, Identity()),
    (TILES, KeptRows(1)),
]


@cache
def every_image(law) -> np.ndarray:
    if isinstance(law, Factors | Rectangles):
        return law.render(np.arange(law.count))
    if isinstance(law, LowBits) and isinstance(law.law, Factors):
        return law.draw(40_000, np.random.default_rng(0))
    images = itertools.product(range(law.levels), repeat=law.dimensions)
    return np.array(list(images), np.uint8).reshape(-1, *law.shape)


def weights(law) -> np.ndarray:
    """The probability of each image; of a universe too large to list, equal shares of a sample."""
    if isinstance(law, LowBits) and isinstance(law.law, Factors):
        return np.full(len(every_image(law)), 1 / len(every_image(law)))
    return np.exp(law.log_probability(every_image(law)))


def entropy(p) -> float:
    p = np.asarray(p, float).ravel()
    return -(p[p > 0] * np.log(p[p > 0])).sum()


def information(joint) -> float:
    return entropy(joint.sum(0)) + entropy(joint.sum(1)) - entropy(joint)


def label_table(law, groups, p, noise) -> np.ndarray:
    """P(h, y) with that noise."""
    classes = len(law.class_names)
    joint = np.bincount(groups * classes + law.label(every_image(law)), p, (groups.max() + 1) * classes)
    transition = np.where(np.eye(classes, dtype=bool), 1 - noise, noise / (classes - 1))
    return joint.reshape(-1, classes) @ transition


@pytest.mark.parametrize(("law", "channel"), DETERMINISTIC, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_what_a_deterministic_channel_tells_by_counting_its_h(law, channel, noise):
    images, p = every_image(law), weights(law)
    h = channel(law, images, np.random.default_rng(0)).reshape(len(images), -1)
    _, groups = np.unique(h.round(4), axis=0, return_inverse=True)
    sampled = law in (LowBits(OBJECTS, 2),)
    tolerance = 0.01 if sampled else 1e-9
    assert channel.information(law).nats == pytest.approx(
        entropy(np.bincount(groups.ravel(), p)), abs=tolerance
    )
    table = label_table(law, groups.ravel(), p, noise)
    assert channel.label_information(law, noise).nats == pytest.approx(information(table), abs=tolerance)
    assert channel.information(law).stderr == 0


def literal_outputs(channel, levels):
    """P(out | level) of a memoryless channel, written down again."""
    e = getattr(channel, "probability", 0.0)
    if isinstance(channel, Erasure):
        return np.hstack([np.eye(levels) * (1 - e), np.full((levels, 1), e)])
    return np.array([[1 - e if i == j else e / (levels - 1) for j in range(levels)] for i in range(levels)])


@pytest.mark.parametrize(
    "channel", [Erasure(0.3), Symmetric(0.25), Symmetric(0.9), Erasure(0.0), Symmetric(1.0)]
)
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_memoryless_channels_by_the_joint_table_of_whole_images(channel, noise):
    law = IndependentPixels.logistic(2, 3, means=(0.7,), scales=(0.5,))
    images, p = every_image(law), weights(law)
    out = literal_outputs(channel, 3)
    transition = np.ones((len(images), 1))
    for pixel in images.reshape(len(images), -1).T:
        transition = (transition[:, :, None] * out[pixel][:, None, :]).reshape(len(images), -1)
    assert channel.information(law).nats == pytest.approx(information(p[:, None] * transition), abs=1e-11)
    groups = np.arange(len(images))
    of_labels = label_table(law, groups, p, noise).T @ transition
    assert channel.label_information(law, noise).nats == pytest.approx(information(of_labels), abs=1e-11)


@pytest.mark.parametrize(
    ("law", "channel"),
    [
        (IndependentPixels.uniform(1, 3, 1), Erasure(0.3)),
        (IndependentPixels.logistic(1, 3, (0.7,), (0.5,)), Symmetric(0.25)),
        (IndependentPixels.logistic(1, 2, (0.2, 0.5, 0.9), (0.3, 1.0, 0.1)), Symmetric(0.1)),
        (IndependentPixels.logistic(1, 2, (0.2, 0.5, 0.9), (0.3, 1.0, 0.1)), Erasure(0.5)),
        (MARKOV, Erasure(0.4, of="image")),
        (RECTANGLES, Erasure(0.7, of="image")),
        (IndependentPixels.uniform(1, 3, 1), Shuffled(Identity())),
        (IndependentPixels.uniform(1, 4, 1), Invertible(Symmetric(0.2), "scale")),
        (TEMPLATES, NoisyLabel(0.2)),
        (RECTANGLES, NoisyLabel(0.05)),
        (TILES, Erasure(0.5, of="image")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_h_that_is_drawn_has_the_information_that_is_known(law, channel):
    """The plug-in information of many pairs, less its first-order bias."""
    n = 60_000
    images = law.draw(n, np.random.default_rng(0))
    h = channel(law, images, np.random.default_rng(1)).reshape(n, -1)
    _, x = np.unique(images.reshape(n, -1), axis=0, return_inverse=True)
    _, g = np.unique(h, axis=0, return_inverse=True)
    joint = np.bincount(x.ravel() * (g.max() + 1) + g.ravel(), minlength=(x.max() + 1) * (g.max() + 1)) / n
    table = joint.reshape(x.max() + 1, -1)
    common = joint > 0
    pointwise = np.log(
        table / np.outer(table.sum(1), table.sum(0)), where=table > 0, out=np.zeros_like(table)
    )
    spread = np.sqrt((table * pointwise**2).sum() - (table * pointwise).sum() ** 2)
    bias = (common.sum() - len(table) - table.shape[1] + 1) / (2 * n)
    found = information(table) - bias
    assert abs(found - channel.information(law).nats) < 4.5 * spread / np.sqrt(n) + 6 / n


@pytest.mark.parametrize(
    ("law", "channel"),
    [
        (LOGISTIC, GaussianNoise(0.8)),
        (COLOUR, Erasure(0.5)),
        (TEMPLATES, NoisyLabel(0.2)),
        (TILES, Erasure(0.5, of="image")),
        *DETERMINISTIC,
    ],
    ids=lambda value: type(value).__name__,
)
def test_h_comes_again_under_one_seed_and_information_lies_between_0_and_the_entropy(law, channel):
    images = law.draw(30, np.random.default_rng(0))
    h = channel(law, images, np.random.default_rng(1))
    assert h.dtype == np.float32
    assert len(h) == 30
    assert np.isfinite(h).all()
    np.testing.assert_array_equal(h, channel(law, images, np.random.default_rng(1)))
    assert -1e-12 <= channel.label_information(law).nats <= channel.information(law).nats + 1e-9
    assert channel.information(law).nats <= law.nats("H(x)").nats + 1e-9


@pytest.mark.parametrize(
    ("law", "channel", "words"),
    [
        (
            MARKOV,
            Erasure(0.5),
            "Erasure of RasterMarkov: the information is only known for independent pixels",
        ),
        (MARKOV, Symmetric(0.5), "only known for independent pixels"),
        (MARKOV, Quantized(1), "only known for independent pixels"),
        (
            Rectangles(32, 2),
            GaussianNoise(1.0),
            "only known for independent pixels and universes of up to 20000 images",
        ),
        (RECTANGLES, KeptPixels(2), "only known for raster Markov fields and independent pixels"),
        (RECTANGLES, FactorCodes(("row",)), "only known for objects rendered from factors"),
        (MARKOV, Counts(2), "only known for independent pixels"),
        (RECTANGLES, PermutedPixels(2), "only known for raster Markov fields and independent pixels"),
        (MARKOV, PermutedPixels(5), "count: 5; the images have 4 sub-pixels"),
        (LOGISTIC, Counts(3), "bands: 3; the images have 2 rows"),
        (MARKOV, KeptRows(3), "rows: 3; the images have 2 rows"),
        (MARKOV, KeptRows(0), "rows: 0; the images have 2 rows"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_where_nothing_is_known_a_sentence_says_so(law, channel, words):
    with pytest.raises(UserError, match=words):
        channel.information(law)
    with pytest.raises(UserError, match=words):
        channel.label_information(law)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Erasure(1.5), "probability: 1.5"),
        (lambda: Symmetric(-0.1), "probability: -0.1"),
        (lambda: GaussianNoise(0.0), "deviation: 0"),
        (lambda: KeptPixels(0), "stride: 0"),
        (lambda: PermutedPixels(0), "count: 0"),
        (lambda: Counts(0), "bands: 0"),
        (lambda: Counts(1, modulus=1), "modulus: 1"),
        (lambda: NoisyLabel(1.1), "probability: 1.1"),
        (lambda: Quantized(9), "dropped_bits: 9"),
        (lambda: FactorCodes(("shape", "size")), "shape, size; give one or more of shape, row"),
        (lambda: FactorCodes(()), "none; give one or more"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_a_sentence(make, words):
    with pytest.raises(UserError, match=words):
        make()


@pytest.mark.parametrize("e", [0.0, 0.2, 0.9])
def test_a_noisy_label_by_the_joint_table_of_images_and_classes(e):
    images, p = every_image(TEMPLATES), weights(TEMPLATES)
    shown = np.where(np.eye(5, dtype=bool), 1 - e, e / 4)
    joint = p[:, np.newaxis] * shown[TEMPLATES.label(images)]
    channel = NoisyLabel(e)
    assert channel.information(TEMPLATES).nats == pytest.approx(information(joint), abs=1e-11)
    assert channel.label_information(TEMPLATES).nats == pytest.approx(information(joint), abs=1e-11)
    with pytest.raises(UserError, match=r"label_noise: 0.1; what NoisyLabel says"):
        channel.label_information(TEMPLATES, 0.1)


def test_a_noisy_label_shows_its_classes_as_often_as_it_should():
    images = TEMPLATES.draw(30_000, np.random.default_rng(0))
    h = NoisyLabel(0.2)(TEMPLATES, images, np.random.default_rng(1))
    assert (h.sum(1) == 1).all()
    table = np.zeros((5, 5))
    np.add.at(table, (TEMPLATES.label(images), h.argmax(1)), 1 / len(h))
    assert np.abs(table - np.where(np.eye(5, dtype=bool), 0.8, 0.05) / 5).max() < 0.01
