import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.label_information import label_entropy, label_information, label_nats


def test_balanced_classes_have_log_classes():
    found = label_entropy(np.repeat(np.arange(10), 7))
    assert found.value == pytest.approx(math.log(10))
    assert (found.stderr, found.bound, found.n) == (0.0, Bound.EXACT, 70)


def test_unequal_classes_literally():
    labels = np.array([0] * 7 + [3] * 2 + [9])
    expected = -sum(p * math.log(p) for p in (0.7, 0.2, 0.1))
    assert label_entropy(labels).value == pytest.approx(expected)
    assert label_nats(labels).mean() == pytest.approx(expected)


def test_h_that_determines_y_gives_the_entropy():
    labels = np.array([0] * 70 + [1] * 30)
    found = label_information(labels, np.zeros(100))
    assert found.value == pytest.approx(label_entropy(labels).value)
    assert found.bound is Bound.LOWER


def test_the_class_frequencies_themselves_say_nothing():
    labels = np.array([0] * 70 + [1] * 30)
    found = label_information(labels, label_nats(labels))
    assert (found.value, found.stderr) == (0.0, 0.0)


def test_a_binary_symmetric_channel_within_its_error():
    flip = 0.1
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 20000)
    h = np.where(rng.random(20000) < flip, 1 - y, y)
    nats = np.where(h == y, -math.log(1 - flip), -math.log(flip))
    truth = math.log(2) + flip * math.log(flip) + (1 - flip) * math.log(1 - flip)
    found = label_information(y, nats)
    assert abs(found.value - truth) < 4 * found.stderr


def test_the_error_covers_for_independent_labels_and_is_wide_enough_for_stratified_ones():
    """y with unequal classes, read through a noisy channel with a known posterior."""
    prior, flip, n = np.array([0.8, 0.2]), 0.2, 400
    joint = prior[:, None] * np.array([[1 - flip, flip], [flip, 1 - flip]])  # p(y, h)
    posterior = joint / joint.sum(0)
    truth = float((joint * np.log(posterior / prior[:, None])).sum())

    def estimates(stratified):
        rng = np.random.default_rng(1)
        for _ in range(1500):
            y = np.repeat([0, 1], [320, 80]) if stratified else (rng.random(n) < prior[1]).astype(int)
            h = np.where(rng.random(n) < flip, 1 - y, y)
            yield label_information(y, -np.log(posterior[y, h]))

    for stratified, lowest, highest in ((False, 0.93, 0.97), (True, 0.94, 1.0)):
        inside = np.mean([abs(e.value - truth) <= 1.96 * e.stderr for e in estimates(stratified)])
        assert lowest <= inside <= highest


def test_bad_input():
    with pytest.raises(UserError, match="holds 3 images where 4"):
        label_information(np.array([0, 1, 0, 1]), np.zeros(3))
    with pytest.raises(UserError, match="labels have shape"):
        label_entropy(np.zeros((3, 2)))


def test_the_error_holds_the_class_frequencies():
    """Images and labels redrawn, the class frequencies counted anew each time: what the formula approximates."""
    rng = np.random.default_rng(2)
    labels = rng.choice(3, 400, p=[0.6, 0.3, 0.1])
    conditional = rng.gamma(1.0, 0.3, 400) * (1 + labels)
    redrawn = []
    for _ in range(2000):
        chosen = rng.integers(0, 400, 400)
        redrawn.append((label_nats(labels[chosen]) - conditional[chosen]).mean())
    assert np.std(redrawn) == pytest.approx(label_information(labels, conditional).stderr, rel=0.06)
