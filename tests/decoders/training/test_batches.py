import numpy as np
import pytest

from decoders.errors import FitError
from decoders.training.batches import Batches, divide, epoch_batches


def test_the_division_is_a_partition_that_all_fits_share():
    fitted, held = divide(100, 0.1)
    assert len(held) == 10
    assert sorted([*fitted, *held]) == list(range(100))
    assert np.array_equal(divide(100, 0.1)[1], held)
    assert set(held) < set(
        divide(100, 0.2)[1]
    )  # a fit that starts from another is not validated on what that saw


def test_two_examples_are_held_out_at_least():
    assert len(divide(5, 0.01)[1]) == 2
    with pytest.raises(FitError, match="2 pairs are too few"):
        divide(2, 0.5)


@pytest.mark.parametrize(("rows", "size"), [(10, 4), (7, 7), (23, 5), (3, 8)])
def test_every_row_is_seen_equally_often_and_steps_may_come_in_any_order(rows, size):
    batches = Batches(np.arange(100, 100 + rows), size, seed=0)
    size = batches.size
    seen = np.concatenate([batches[step] for step in range(rows)])  # `size` whole epochs
    assert np.array_equal(np.bincount(seen - 100), np.full(rows, size))
    again = Batches(np.arange(100, 100 + rows), size, seed=0)
    for step in (5, 2, 0, 2):
        assert np.array_equal(again[step], batches[step])


def test_a_batch_crosses_the_end_of_an_epoch():
    batches = Batches(np.arange(10), 4, seed=0)
    first = np.concatenate([batches[0], batches[1]])
    left = set(range(10)) - set(first)
    assert left <= set(batches[2])
    assert len(batches[2]) == 4


@pytest.mark.parametrize(("n", "size"), [(10, 3), (12, 4), (5, 8), (1, 1), (0, 4)])
def test_an_epoch_holds_every_row_once(n, size):
    batches = list(epoch_batches(n, size, seed=1, epoch=2))
    assert sorted(np.concatenate([*batches, []]).tolist()) == list(range(n))
    assert all(len(batch) == size for batch in batches[:-1])
    whole = list(epoch_batches(n, size, seed=1, epoch=2, drop_last=True))
    assert [batch.tolist() for batch in whole] == [batch.tolist() for batch in batches if len(batch) == size]


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch, size=7):
        return np.concatenate(list(epoch_batches(100, size, seed, epoch))).tolist()

    assert order(0, 3) == order(0, 3) == order(0, 3, size=9)
    assert len({tuple(order(*key)) for key in [(0, 3), (3, 0), (0, 4), (1, 3)]}) == 4


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_without_examples_is_refused(size):
    with pytest.raises(ValueError, match="batch_size"):
        next(epoch_batches(10, size, 0, 0))
