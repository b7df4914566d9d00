import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators import k_nearest_neighbours
from ib_analysis.information.estimators.k_nearest_neighbours import (
    KNearestNeighbours,
    labels_by_distance,
    smoothed_votes,
)
from ib_analysis.information.estimators.label_probe import LabelledRows, log_frequencies


def fitting_part(n=40):
    rng = np.random.default_rng(0)
    return LabelledRows(rng.normal(size=(n, 3)), rng.integers(0, 3, n))


def literal(fit, row, k):
    """(votes of the k nearest + f) / (k + 1)."""
    order = sorted(range(len(fit)), key=lambda i: sum((a - b) ** 2 for a, b in zip(fit.rows[i], row)))
    share = [sum(fit.labels == c) / len(fit) for c in range(3)]
    return [(sum(fit.labels[i] == c for i in order[:k]) + share[c]) / (k + 1) for c in range(3)]


def test_smoothed_votes_literally():
    fit, rows = fitting_part(), np.random.default_rng(1).normal(size=(9, 3))
    found = smoothed_votes(fit, rows, [1, 4, 20], log_frequencies(fit.labels))
    for log_q, k in zip(found, (1, 4, 20)):
        assert np.exp(log_q) == pytest.approx(np.array([literal(fit, row, k) for row in rows]))
        assert np.exp(log_q).sum(1) == pytest.approx(np.ones(9))


def test_small_blocks_of_distances_change_nothing(monkeypatch):
    fit, rows = fitting_part(), np.random.default_rng(1).normal(size=(9, 3))
    whole = np.concatenate(list(labels_by_distance(fit, rows, 5)))
    monkeypatch.setattr(k_nearest_neighbours, "DISTANCES_AT_ONCE", 90)
    pieces = list(labels_by_distance(fit, rows, 5))
    assert len(pieces) == 4
    assert np.array_equal(np.concatenate(pieces), whole)


def test_rows_that_are_equally_far_do_not_vote_by_class():
    """All features equal: whatever k, the votes are those of random rows."""
    y = np.repeat([0, 1], 300)
    found = KNearestNeighbours(neighbours=(64,)).estimate(np.zeros(600), y)
    assert abs(found.value) < 3 * found.stderr + 5e-3


def test_k_is_never_more_than_half_the_fitting_part():
    y = np.arange(200) % 2
    assert KNearestNeighbours(neighbours=(10**6,)).estimate(1.0 * y, y).value > 0.6


@pytest.mark.parametrize("neighbours", [(), (0, 3)])
def test_settings_that_cannot_run_are_named(neighbours):
    with pytest.raises(UserError, match="neighbours is"):
        KNearestNeighbours(neighbours=neighbours)
