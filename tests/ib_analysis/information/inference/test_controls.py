"""Controls on numbers whose verdict is known."""

import numpy as np
import pytest

from ib_analysis.information.inference.controls import (
    must_explain,
    must_stay,
    must_vanish,
    only_shown,
    ranking,
)
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow, control_row
from ib_analysis.point import Point
from ib_analysis.rows import read_rows, write_rows

RNG = np.random.default_rng(0)
N = 400
CE = 60.0 + RNG.normal(0, 8, N)
NOISE = RNG.normal(0, 1, N)


def test_a_shuffled_h_that_says_nothing_passes_and_one_that_says_something_fails():
    assert must_vanish(CE, CE + NOISE, 20.0).verdict == "passes"
    assert must_vanish(CE, CE - 1.0 + NOISE, 20.0).verdict == "fails"
    assert must_vanish(CE, CE + 1.0 + NOISE, 20.0).verdict == "fails"  # fits noise


def test_a_leak_below_one_per_cent_of_the_point_passes_however_small_the_error():
    assert must_vanish(CE, CE - 0.15, 20.0).verdict == "passes"
    assert must_vanish(CE, CE - 0.15, 10.0).verdict == "fails"


def test_the_identity_may_leave_less_than_the_smallest_claim():
    """5 % of CE(x), 3 nats, is much where an experiment tells an information of 2 nats from 0."""
    assert must_explain(CE, 0.03 * CE, smallest_claim=2.0).verdict == "passes"
    found = must_explain(CE, 0.04 * CE, smallest_claim=2.0)
    assert found.verdict == "fails"
    assert "2.9 bits" in found.rule
    nothing = must_explain(CE, 0.9 * CE, smallest_claim=float("inf"))
    assert (nothing.verdict, "nothing is judged" in nothing.rule) == ("shown", True)
    assert found.point_nats == pytest.approx(CE.mean())


def test_a_changed_setting_is_judged_by_the_paired_change():
    point = 20.0 + NOISE
    assert must_stay(point * 1.09, point).verdict == "passes"
    moved = must_stay(point * 1.2, point)
    assert moved.verdict == "fails"
    assert moved.change_nats == pytest.approx(0.2 * point.mean())
    assert moved.change_stderr_nats == pytest.approx(0.2 * point.std(ddof=1) / np.sqrt(N))


def test_the_untrained_network_is_shown_and_not_judged():
    assert only_shown(CE).verdict == "shown"


def test_the_order_of_points():
    assert ranking([1, 2, 3, 4], [1, 2, 4, 3]).holds is False
    assert ranking([1, 2, 3, 4], [2, 3, 5, 9]).holds is True
    assert ranking([1, 2], [2, 1]) is None


def test_the_table_reads_back(tmp_path):
    point = Point("net", "classifier", 0, 3, "h1")
    row = control_row(must_vanish(CE, CE + NOISE, 20.0), "shuffled", Quantity.IMAGE_INFORMATION, point)
    assert row.point == point
    write_rows(tmp_path / "c.csv", ControlRow, [row])
    assert read_rows(tmp_path / "c.csv", ControlRow) == (row,)
    assert (row.equivalence, row.margin_bits) == ("no change", pytest.approx(0.2 / np.log(2)))


def test_to_pass_is_not_to_be_shown_the_same():
    wide = 40.0 * NOISE
    found = must_stay(20.0 + wide[::-1], 20.0 + wide)
    assert found.verdict == "passes"
    assert found.equivalence.verdict == "undecided"
    assert must_stay(20.0 + NOISE, 20.0 + NOISE).equivalence.verdict == "no change"
    assert must_explain(CE, 0.04 * CE, 2.0).equivalence is None
    assert must_vanish(CE, CE + NOISE, 0.0).equivalence is None
