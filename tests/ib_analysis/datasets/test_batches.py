import threading

import numpy as np
import pytest

from ib_analysis.datasets.batches import epoch_batches, prefetch


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
def test_a_batch_without_images_is_refused(size):
    with pytest.raises(ValueError, match="batch_size"):
        next(epoch_batches(10, size, 0, 0))
    with pytest.raises(ValueError, match="depth"):
        next(prefetch([], size))


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


@pytest.mark.parametrize("depth", [1, 2, 100])
def test_items_come_whole_and_in_order(depth):
    assert list(prefetch(iter(range(57)), depth)) == list(range(57))
    assert list(prefetch([None, False, ()], depth)) == [None, False, ()]
    assert not readers()


def test_no_more_than_depth_is_read_ahead():
    taken = []
    gate = threading.Event()

    def items():
        for i in range(50):
            taken.append(i)
            if i == 4:
                gate.set()
            yield i

    reader = prefetch(items(), depth=2)
    assert next(reader) == 0
    assert next(reader) == 1
    assert gate.wait(5)  # 2 handed out, 2 in the queue, 1 in hand
    assert max(taken) <= 4
    reader.close()
    assert max(taken) <= 7
    assert not readers()


def test_an_exception_comes_where_its_item_would_have_come():
    def items():
        yield from (1, 2)
        raise KeyError("third")

    got = []
    with pytest.raises(KeyError, match="third"):
        got.extend(prefetch(items()))
    assert got == [1, 2]
    assert not readers()


@pytest.mark.parametrize("length", [3, 10**9])
def test_leaving_the_loop_stops_the_thread_and_closes_the_source(length):
    closed = threading.Event()

    def items():
        try:
            yield from range(length)
        finally:
            closed.set()

    source = prefetch(items(), depth=1)
    for item in source:
        if item == 1:
            break
    source.close()
    assert closed.is_set()
    assert not readers()
