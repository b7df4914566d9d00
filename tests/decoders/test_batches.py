import numpy as np
import pytest

from decoders.batches import Batches, divide, step_seed
from decoders.errors import FitError


def test_the_division_is_a_partition_fixed_by_the_seed():
    fitted, held = divide(100, 0.1, seed=1)
    assert len(held) == 10
    assert sorted([*fitted, *held]) == list(range(100))
    assert np.array_equal(divide(100, 0.1, seed=1)[1], held)
    assert not np.array_equal(divide(100, 0.1, seed=2)[1], held)


def test_two_examples_are_held_out_at_least():
    assert len(divide(5, 0.01, seed=0)[1]) == 2
    with pytest.raises(FitError, match="2 pairs are too few"):
        divide(2, 0.5, seed=0)


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


def test_seeds_of_steps_differ():
    assert len({step_seed(seed, step) for seed in range(20) for step in range(50)}) == 1000


def test_processes_that_share_a_step_draw_their_own_and_the_first_what_one_would():
    assert len({step_seed(0, step, rank) for step in range(50) for rank in range(8)}) == 400
    assert step_seed(3, 5, 0) == step_seed(3, 5)
