import itertools

import numpy as np
import pytest

from ib_analysis.datasets.rectangles import Rectangles
from ib_analysis.units import bits


def all_rectangles(size, levels):
    intervals = list(itertools.combinations(range(size + 1), 2))
    images = np.zeros((len(intervals) ** 2, 1, size, size), np.uint8)
    for image, ((y0, y1), (x0, x1)) in zip(images, itertools.product(intervals, intervals)):
        image[0, y0:y1, x0:x1] = levels - 1
    return images


def entropy(weights):
    weights = np.array(weights, float)
    weights = weights[weights > 0]
    return -(weights * np.log(weights)).sum()


@pytest.mark.parametrize(("size", "expected_bits"), [(8, 10.340), (16, 14.175), (28, 17.331), (32, 18.089)])
def test_reference_entropies(size, expected_bits):
    assert bits(Rectangles(size, 256).known(0.0)["H(x)"]) == pytest.approx(expected_bits, abs=6e-4)


@pytest.mark.parametrize("size", [2, 3, 5, 8])
@pytest.mark.parametrize("noise", [0.0, 0.3, 0.5])
def test_every_known_quantity_by_enumeration(size, noise):
    law = Rectangles(size, 4)
    images = all_rectangles(size, 4)
    p, label = np.exp(law.log_probability(images)), law.label(images)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    joint = np.stack([p * np.where(label == y, 1 - noise, noise) for y in (0, 1)])
    hy = entropy(joint.sum(1))
    expected = {"H(x)": entropy(p), "H(y)": hy, "I(y;x)": hy + entropy(p) - entropy(joint.ravel())}
    for t in range(1, size + 1):
        _, group = np.unique(images[:, 0, :t].reshape(len(images), -1), axis=0, return_inverse=True)
        rows = np.stack([np.bincount(group, weights) for weights in joint])
        expected[f"I(x;rows{t})"] = entropy(rows.sum(0))
        expected[f"I(y;rows{t})"] = hy + entropy(rows.sum(0)) - entropy(rows.ravel())
    assert law.known(noise) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("size", [3, 8, 16, 32])
def test_the_label_divides_the_rectangles_as_evenly_as_areas_allow(size):
    law = Rectangles(size, 2)
    areas = all_rectangles(size, 2).sum((1, 2, 3), dtype=int) if size < 32 else None
    if areas is None:
        lengths = np.arange(1, size + 1)
        areas = np.repeat(
            np.outer(lengths, lengths), np.outer(size + 1 - lengths, size + 1 - lengths).ravel()
        )
    shares = [(areas >= area).mean() for area in np.unique(areas)]
    best = min(abs(share - 0.5) for share in shares)
    assert abs((areas >= law.area_threshold).mean() - 0.5) == pytest.approx(best, abs=1e-12)


def test_samples_are_uniform_over_all_rectangles():
    law = Rectangles(4, 17)
    drawn = law.draw(20_000, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {0, 16}
    assert np.isfinite(law.log_probability(drawn)).all()
    distinct, counts = np.unique(drawn.reshape(len(drawn), -1), axis=0, return_counts=True)
    assert len(distinct) == 100
    assert np.abs(counts - 200).max() < 4.5 * np.sqrt(200 * 0.99)


def test_what_is_no_rectangle_is_impossible():
    images = np.zeros((5, 1, 4, 4), np.uint8)
    images[1, 0, 0, 0] = images[1, 0, 2, 2] = 1  # two rectangles
    images[2, 0, :2, :2] = 1
    images[2, 0, 0, 0] = 0  # a corner is missing
    images[3, 0, 1, [0, 1, 3]] = 1  # a gap
    images[4, 0, 1:3, 1] = 1  # a rectangle
    assert np.isneginf(Rectangles(4, 2).log_probability(images)).tolist() == [True] * 4 + [False]
