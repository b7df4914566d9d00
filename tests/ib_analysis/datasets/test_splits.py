import numpy as np
import pytest

from ib_analysis.datasets.dataset import PARTS
from ib_analysis.datasets.specs.source import Shares
from ib_analysis.datasets.splits import (
    UNUSED,
    allot,
    arrangement,
    choose_subset,
    digests,
    draw_parts,
    in_earlier_part,
)
from ib_analysis.errors import UserError

LABELS = np.random.default_rng(0).choice(4, 997, p=[0.5, 0.3, 0.15, 0.05])
NAMES = ("a", "b", "c", "d")
ALL = np.ones(len(LABELS), bool)


@pytest.mark.parametrize("count", range(60))
@pytest.mark.parametrize("shares", [(0.4, 0.4, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.7, 0.2, 0.1)])
def test_allotments_add_up_and_are_within_one_of_the_exact_share(count, shares):
    shares = np.array(shares)
    sizes = allot(count, shares)
    assert sizes.sum() == count
    assert (np.abs(sizes - count * shares) < 1).all()


def test_parts_cover_every_image_once_in_every_class():
    parts = draw_parts(LABELS, ALL, Shares(), 0, NAMES)
    assert set(parts) == {0, 1, 2}
    for label in range(4):
        mine = parts[label == LABELS]
        sizes = np.bincount(mine, minlength=3)
        assert (np.abs(sizes - len(mine) * np.array([0.4, 0.4, 0.2])) < 1).all()


def test_the_seed_fixes_the_parts():
    first, same, other = (draw_parts(LABELS, ALL, Shares(), seed, NAMES) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert (first != other).mean() > 0.4


def test_images_that_were_not_chosen_have_no_part():
    chosen = np.arange(len(LABELS)) % 2 == 0
    parts = draw_parts(LABELS, chosen, Shares(), 0, NAMES)
    np.testing.assert_array_equal(parts == UNUSED, ~chosen)


def test_membership_does_not_follow_the_order_of_the_source():
    parts = draw_parts(np.zeros(3000, int), np.ones(3000, bool), Shares(), 0, ("a",))
    assert all(abs((half == 0).mean() - 0.4) < 0.05 for half in (parts[:1500], parts[1500:]))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_class_too_small_for_three_parts_is_named(count):
    labels = np.array([0] * 30 + [1] * count)
    with pytest.raises(UserError, match=rf"class 'rare': {count} images are too few .* 0.4, 0.4, 0.2"):
        draw_parts(labels, np.ones(len(labels), bool), Shares(), 0, ("common", "rare"))


@pytest.mark.parametrize("images", [10, 100, 500, 997])
def test_a_subset_is_stratified_and_fixed_by_the_seed(images):
    chosen = choose_subset(LABELS, images, 3)
    assert chosen.sum() == images
    exact = images * np.bincount(LABELS) / len(LABELS)
    assert (np.abs(np.bincount(LABELS[chosen], minlength=4) - exact) < 1).all()
    np.testing.assert_array_equal(chosen, choose_subset(LABELS, images, 3))
    assert images == 997 or (chosen != choose_subset(LABELS, images, 4)).any()


def test_no_subset_is_everything_and_too_large_a_subset_is_refused():
    assert choose_subset(LABELS, None, 0).all()
    with pytest.raises(UserError, match="images: 998 are asked for and the source has 997"):
        choose_subset(LABELS, 998, 0)


def test_digests_are_equal_just_where_images_are():
    images = np.random.default_rng(0).integers(0, 2, (200, 1, 2, 3)).astype(np.uint8)
    found = digests(images)
    flat = images.reshape(200, -1)
    equal = (flat[:, np.newaxis] == flat).all(-1)
    np.testing.assert_array_equal(found[:, np.newaxis] == found, equal)
    assert 1 < len(set(found)) < 200


def test_the_copy_in_the_earlier_part_is_kept():
    found = np.array([b"a", b"b", b"a", b"c", b"a", b"b", b"b", b"d", b"d", b"c"])
    parts = np.array([2, 1, 0, 2, 0, 2, 1, 1, UNUSED, 2], np.int8)
    #                 x              x                        the rest: first, same part, or unused
    assert np.flatnonzero(in_earlier_part(found, parts)).tolist() == [0, 5]


def test_an_unused_copy_is_no_earlier_part():
    assert not in_earlier_part(np.array([b"a", b"a"]), np.array([UNUSED, 2], np.int8)).any()


def test_the_arrangement_holds_each_part_shuffled():
    parts = draw_parts(LABELS, ALL, Shares(), 0, NAMES)
    parts[::10] = UNUSED
    rows = arrangement(parts, 5)
    assert sorted(rows) == np.flatnonzero(parts != UNUSED).tolist()
    np.testing.assert_array_equal(parts[rows], np.sort(parts[rows]))
    for part in range(len(PARTS)):
        mine = rows[parts[rows] == part]
        assert (np.diff(mine) < 0).mean() > 0.3
    np.testing.assert_array_equal(rows, arrangement(parts, 5))
    assert (rows != arrangement(parts, 6)).any()
