import pytest
import torch

from decoders.training import stopwatch
from decoders.training.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(stopwatch.time, "monotonic", lambda: now[0])

    def advance(seconds):
        now[0] += seconds

    return advance


def test_ticks_add_up_and_a_restart_leaves_out_what_came_before(clock):
    watch = Stopwatch(torch.device("cpu"))
    clock(2.0)
    watch.tick()
    clock(5.0)
    watch.restart()
    clock(1.0)
    watch.tick()
    assert watch.seconds == 3.0


def test_one_timed_batch_stands_for_several(clock):
    watch = Stopwatch(torch.device("cpu"))
    with watch.time_data(weight=20):
        clock(0.5)
    assert watch.seconds_in_data == 10.0
    assert watch.seconds == 0.0
