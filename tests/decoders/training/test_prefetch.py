import threading

import pytest

from decoders.training.prefetch import prefetch


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


@pytest.mark.parametrize("depth", [0, -1])
def test_no_depth_is_refused(depth):
    with pytest.raises(ValueError, match="depth"):
        next(prefetch([], depth))
