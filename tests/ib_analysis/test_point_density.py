"""A point's density ignores h where that is better, knows the label as CE(x) does, and is one density for all fits."""

import numpy as np
import pytest

from ib_analysis.information.measurement.evaluation import MixedMarginal, PointNats
from ib_analysis.information.measurement.label_information import label_nats
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.point_density import read_image, read_label

SIZES = (400, 80, 200)
CLASSES = 4
RNG = np.random.default_rng(0)
LABELS = tuple(RNG.integers(0, CLASSES, n) for n in SIZES)
MARGINAL = 60.0


def each(make):
    return Parts(*(make(n, y) for n, y in zip(SIZES, LABELS, strict=True)))


def noise(n):
    return np.random.default_rng(n).normal(0.0, 1.0, n)


def told(right=8.0):
    """q(x | y) gives an image of another class `right` nats more than one of its own."""
    return each(lambda n, y: 55.0 + noise(n) + right * (np.arange(CLASSES)[:, None] != y))


def marginal(of_classes=None):
    """With the classes CE(x) is that of the class mixture of equal frequencies."""
    if of_classes is None:
        return MixedMarginal("measurement", each(lambda n, y: MARGINAL + noise(n)), None)
    mixture = of_classes.map(lambda nats: -np.logaddexp.reduce(-nats - np.log(CLASSES), axis=0))
    return MixedMarginal("measurement", mixture, of_classes)


def point(own, sure=0.5):
    """A decoder with those nats, and a classifier that gives the right class the probability `sure`."""
    wrong = (1.0 - sure) / (CLASSES - 1)
    classes = each(lambda n, y: np.log(np.where(np.arange(CLASSES) == y[:, None], sure, wrong)))
    return PointNats.of(own, classes, LABELS)


def test_a_decoder_that_reads_nothing_is_ignored():
    noisy = point(each(lambda n, y: MARGINAL + 2.0 + noise(n + 1)[:n]), sure=1 / CLASSES)
    found = read_image([noisy], [marginal()])
    assert found.raw == pytest.approx(-2.0, abs=0.15)
    assert found.information == pytest.approx(0.0, abs=0.15)
    assert found.weight < 0.3


def test_a_decoder_that_reads_is_kept():
    found = read_image([point(each(lambda n, y: MARGINAL - 7.0 + noise(n)))], [marginal()])
    assert found.weight > 0.95
    assert found.information == pytest.approx(7.0, abs=0.1)
    assert found.fitted == pytest.approx(7.0, abs=0.1)


def test_what_h_tells_of_the_label_counts_even_where_the_decoder_does_not_read_it():
    """The decoder alone is a nat worse than a CE(x) that knew the labels; h tells the label wholly."""
    whole = marginal(told())
    lost = point(each(lambda n, y: np.full(n, float(whole.image.evaluation.mean()) + 1.0)), sure=1.0 - 1e-9)
    found = read_image([lost], [whole])
    assert found.raw == pytest.approx(-1.0, abs=0.2)
    assert found.information == pytest.approx(np.log(CLASSES), abs=0.05)


def test_a_label_that_h_does_not_tell_gives_nothing():
    whole = marginal(told())
    lost = point(each(lambda n, y: np.full(n, 70.0)), sure=1 / CLASSES)
    assert read_image([lost], [whole]).information == pytest.approx(0.0, abs=0.01)


def test_fits_are_averaged_as_probabilities_and_kept_one_by_one():
    fits = [point(each(lambda n, y, k=k: MARGINAL - 5.0 - k + noise(n))) for k in (0, 2)]
    found = read_image(fits, [marginal(), marginal()])
    assert found.members.shape == (2, SIZES[0])
    gap = found.members[0] - found.members[1]
    assert gap.mean() == pytest.approx(2.0, abs=0.1)
    average = -np.log(np.exp(-found.members).mean(axis=0))
    assert found.averaged == pytest.approx(average)


def test_what_a_fit_is_worse_by_everywhere_is_no_spread_of_its_information():
    worse = MixedMarginal("decoder-seed-1", marginal().image.map(lambda nats: nats + 3.0), None)
    fits = [point(each(lambda n, y, k=k: MARGINAL - 5.0 + k + noise(n))) for k in (0.0, 3.0)]
    found = read_image(fits, [marginal(), worse])
    informations = (found.marginal - found.members).mean(axis=1)
    assert informations == pytest.approx([5.0, 5.0], abs=0.1)


def test_the_images_that_were_fitted_tell_what_was_learned_by_heart():
    own = Parts(*(MARGINAL - gain + noise(n) for n, gain in zip(SIZES, (3.0, 3.0, 9.0), strict=True)))
    found = read_image([point(own)], [marginal()])
    assert (found.information, found.fitted) == (pytest.approx(3.0, abs=0.1), pytest.approx(9.0, abs=0.1))


def test_the_information_of_a_label_is_that_of_the_averaged_classifier():
    entropy = label_nats(LABELS[0])
    sure, unsure = (point(each(lambda n, y: np.zeros(n)), sure=s) for s in (0.9, 0.5))
    found = read_label([sure, unsure], entropy)
    assert found.information == pytest.approx(entropy.mean() + np.log(0.7))
    assert found.fitted == pytest.approx(entropy.mean() + np.log(0.7))


def test_held_out_images_alone_choose_the_weights():
    """A decoder that reads evaluation and fitted images and no held-out one is not believed."""
    own = Parts(*(MARGINAL - gain + noise(n) for n, gain in zip(SIZES, (9.0, -9.0, 9.0), strict=True)))
    found = read_image([point(own, sure=1 / CLASSES)], [marginal()])
    assert found.weight < 0.05


def test_what_was_learned_by_heart_is_that_of_the_density_and_not_of_the_decoder_alone():
    own = Parts(*(MARGINAL - gain + noise(n) for n, gain in zip(SIZES, (-9.0, -9.0, 20.0), strict=True)))
    found = read_image([point(own, sure=1 / CLASSES)], [marginal()])
    assert found.fitted == pytest.approx(20.0 + np.log(found.weight), abs=0.3)
