import numpy as np
import pytest

from ib_analysis.information.estimators import neighbour_distances
from ib_analysis.information.estimators.neighbour_distances import (
    counts_nearer,
    kth_distances,
    standardised,
    without_ties,
)


@pytest.mark.parametrize("columns", [1, 3, 12])  # a tree, a tree, all pairs
@pytest.mark.parametrize("k", [1, 4])
def test_double_loops(columns, k):
    rows = np.random.default_rng(0).standard_normal((60, columns))
    distances = [sorted(max(abs(a - b)) for b in rows) for a in rows]  # the first is the row itself
    radii = kth_distances(rows, k)
    assert radii.tolist() == [line[k] for line in distances]
    # The k-th neighbour stands on the radius and is not nearer: the row and k - 1 others are.
    assert counts_nearer(rows, radii).tolist() == [k] * 60


def test_small_blocks_change_nothing(monkeypatch):
    rows = np.random.default_rng(0).standard_normal((60, 12))
    radii = kth_distances(rows, 3)
    counts = counts_nearer(rows, 1.3 * radii)
    monkeypatch.setattr("ib_analysis.information.estimators.gaussian_kernels.BLOCK_ENTRIES", 100)
    assert np.array_equal(kth_distances(rows, 3), radii)
    assert np.array_equal(counts_nearer(rows, 1.3 * radii), counts)


def test_the_tree_and_all_pairs_agree(monkeypatch):
    rows = np.random.default_rng(0).standard_normal((300, 3))
    radii = kth_distances(rows, 3)
    counts = counts_nearer(rows[:, :2], radii)
    monkeypatch.setattr(neighbour_distances, "TREE_FINDS", 0)
    monkeypatch.setattr(neighbour_distances, "TREE_COUNTS", 0)
    assert np.array_equal(kth_distances(rows, 3), radii)
    assert np.array_equal(counts_nearer(rows[:, :2], radii), counts)


def test_ties_are_broken_by_next_to_nothing_and_only_where_there_are_any():
    different = np.arange(10.0)[:, None]
    assert without_ties(different, 0) is different
    equal = np.zeros((10, 2))
    broken = without_ties(equal, 0)
    assert len(np.unique(broken, axis=0)) == 10
    assert abs(broken).max() < 1e-9


def test_a_constant_column_is_zero_whatever_its_rounding():
    rows = np.full((1000, 2), 0.1)
    rows[:, 1] = np.arange(1000)
    found = standardised(rows)
    assert not found[:, 0].any()
    assert found[:, 1].std() == pytest.approx(1.0)
