"""Changes of a measure between two epochs are paired by network, with Student's interval over them."""

import pytest
from scipy import stats

from ib_analysis.forgetting.changes import change_rows
from ib_analysis.forgetting.table import ForgettingRow


def row(seed, epoch, value, **changed):
    found = {
        "encoder": "net", "regime": "classifier", "seed": seed, "epoch": epoch, "tap": "h4", "measure": "squared error",
        "low_cycles": None, "high_cycles": None, "value": value, "stderr": 0.1, "original": 0.0, "same_class": 1.0,
        "any_image": 1.0, "relative_same_class": value, "relative_same_class_stderr": None, "relative_any_image": value,
        "relative_any_image_stderr": None, "n_images": 6, "n_draws": 2,
    }  # fmt: skip
    return ForgettingRow(**found | changed)


def test_networks_are_paired():
    """The networks differ by more than their changes, so unpaired errors would be far larger."""
    first, last = (1.0, 5.0, 9.0), (1.2, 5.1, 9.3)
    rows = [row(seed, 3, value) for seed, value in enumerate(first)]
    rows += [row(seed, 60, value) for seed, value in reversed(list(enumerate(last)))]
    (found,) = change_rows(rows)
    changes = [0.2, 0.1, 0.3]
    low, high = stats.t.interval(0.95, 2, loc=0.2, scale=stats.sem(changes))
    assert (found.from_epoch, found.to_epoch, found.n_networks) == (3, 60, 3)
    assert found.change == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_every_two_epochs_of_every_kind_are_told_and_no_others():
    rows = [
        row(seed, epoch, epoch + seed**2 * epoch, tap=tap, measure=measure, low_cycles=low, high_cycles=high)
        for measure, low, high in (("class agreement", None, None), ("frequency", 0, 1), ("frequency", 1, 2))
        for tap in ("h3", "h4")
        for seed in (0, 1)
        for epoch in (10, 0, 3)
    ]
    found = list(change_rows(rows))
    assert len(found) == 3 * 2 * 3
    pairs = [(one.from_epoch, one.to_epoch) for one in found]
    assert pairs == [(0, 3), (0, 10), (3, 10)] * 6
    assert [one.change for one in found[:3]] == pytest.approx([4.5, 15.0, 10.5])
    assert len({(one.measure, one.low_cycles, one.tap) for one in found}) == 6


def test_a_network_that_has_one_of_the_epochs_is_left_out_and_one_network_has_no_interval():
    rows = [row(0, 0, 1.0), row(0, 9, 1.5), row(1, 0, 7.0), row(2, 9, 8.0)]
    (found,) = change_rows(rows)
    assert (found.change, found.low, found.high, found.n_networks) == (0.5, None, None, 1)
    assert not list(change_rows([row(0, 0, 1.0), row(1, 9, 1.0)]))
