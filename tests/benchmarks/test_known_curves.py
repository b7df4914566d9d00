"""Exact decoders: their nats are probabilities, and their means are the closed forms."""

import numpy as np
import pytest

from benchmarks.known_curves import (
    finite_labels,
    finite_top_rows,
    raster_label,
    raster_single_rows,
    raster_top_rows,
)
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.datasets.rectangles import Rectangles

LAW = RasterMarkov(3, 8, 0.8, 0.9)
OTHER, THIRD = RasterMarkov(3, 8, 0.5, 1.4), RasterMarkov(3, 8, 0.9, 1.2)
CURVES = [
    raster_top_rows("exact", LAW),
    raster_top_rows("badly fitted", LAW, marginal=OTHER, conditional=THIRD),
    raster_single_rows("flat", LAW),
    raster_label("label", LAW, 0.1),
    finite_top_rows("rectangles", Rectangles(4, 8)),
    finite_labels("rectangles, labels", Rectangles(4, 8), 0.1),
]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_estimates_tend_to_the_truth(curve):
    given, conditional = curve.sample(100_000, np.random.default_rng(0))
    for nats, truth in zip(conditional, curve.truth_nats, strict=True):
        found = curve.estimate(given, nats)
        assert found.quantity is curve.quantity
        assert abs(found.value - truth) <= 4 * found.stderr + 1e-9
    assert len(conditional) == len(curve.truth_nats)


def test_the_exact_raster_curve_is_the_closed_form():
    known = LAW.known(0.0)
    assert raster_top_rows("", LAW).truth_nats == pytest.approx([known[f"I(x;rows{t})"] for t in (1, 2, 3)])


def test_the_nats_of_what_is_hidden_and_of_what_is_seen_make_up_those_of_the_image():
    """-log p(x | rows) = -log p(x) + log p(rows); with all rows seen nothing is left to say."""
    marginal, conditional = raster_top_rows("", LAW).sample(50, np.random.default_rng(1))
    images = LAW.draw(50, np.random.default_rng(1))
    assert marginal == pytest.approx(-LAW.log_probability(images))
    seen = np.log(LAW.stationary)[images[:, 0, 0, 0]]
    for i, j in ((0, 1), (1, 2)):
        seen = seen + np.log(LAW.transition)[images[:, 0, 0, i], images[:, 0, 0, j]]
    assert conditional[0] == pytest.approx(marginal + seen)
    assert conditional[2] == pytest.approx(np.zeros(50))


def test_points_can_be_taken_in_another_order():
    curve = CURVES[0].at([2, 0])
    assert curve.truth_nats.tolist() == CURVES[0].truth_nats[[2, 0]].tolist()
    _, all_points = CURVES[0].sample(10, np.random.default_rng(3))
    _, two = curve.sample(10, np.random.default_rng(3))
    assert (two == all_points[[2, 0]]).all()
