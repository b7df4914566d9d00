import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.parts import stratified_parts, three_parts


def together(parts):
    return np.concatenate([parts.fit, parts.hold_out, parts.evaluation])


@pytest.mark.parametrize("n", [200, 201, 999, 5000])
def test_three_parts_are_disjoint_and_are_all_rows(n):
    parts = three_parts(n, seed=3)
    assert sorted(together(parts)) == list(range(n))
    assert [len(rows) / n for rows in vars(parts).values()] == pytest.approx([0.6, 0.15, 0.25], abs=1 / n)


def test_stratified_parts_are_disjoint_and_keep_the_frequencies():
    labels = np.random.default_rng(0).choice(4, 1000, p=[0.6, 0.3, 0.08, 0.02])
    parts = stratified_parts(labels, seed=3)
    assert sorted(together(parts)) == list(range(1000))
    whole = np.bincount(labels) / 1000
    for rows in vars(parts).values():
        assert np.abs(np.bincount(labels[rows], minlength=4) / len(rows) - whole).max() < 0.01


def test_the_smallest_class_is_in_every_part():
    labels = np.array([0] * 195 + [1] * 5)
    parts = stratified_parts(labels, seed=0)
    assert all(1 in labels[rows] for rows in vars(parts).values())


def test_the_order_within_a_stratified_part_does_not_tell_the_class():
    labels = np.repeat([0, 1], 500)
    fit = labels[stratified_parts(labels, seed=0).fit]
    assert 0.4 < fit[:200].mean() < 0.6


@pytest.mark.parametrize(
    "divide", [lambda s: three_parts(300, s), lambda s: stratified_parts(np.arange(300) % 3, s)]
)
def test_the_seed_and_nothing_else_decides(divide):
    assert np.array_equal(together(divide(1)), together(divide(1)))
    assert not np.array_equal(together(divide(1)), together(divide(2)))


def test_too_few_rows_and_bad_classes_are_one_sentence():
    with pytest.raises(UserError, match="199 pairs are too few"):
        three_parts(199, seed=0)
    with pytest.raises(UserError, match="199 labelled rows are too few"):
        stratified_parts(np.arange(199) % 2, seed=0)
    with pytest.raises(UserError, match="every row is of class 4"):
        stratified_parts(np.full(300, 4), seed=0)
    with pytest.raises(UserError, match="class 7 has 4 rows"):
        stratified_parts(np.array([0] * 296 + [7] * 4), seed=0)
