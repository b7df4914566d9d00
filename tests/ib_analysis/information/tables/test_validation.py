"""Verdicts on known information."""

import math

import pytest

from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.validation import (
    Beside,
    Source,
    ValidationRow,
    errors_text,
    intervals_that_hold,
    validation_row,
    validation_summary,
)
from ib_analysis.rows import read_rows, write_rows


def row(estimate_bits, stderr_bits, truth_bits, truth_stderr_bits=0.0, method="decoders", beside=None):
    estimate = Estimate(
        quantity=Quantity.IMAGE_INFORMATION, value=estimate_bits * math.log(2), stderr=stderr_bits * math.log(2), n=500,
        method=method, bound=Bound.NONE,
    )  # fmt: skip
    truth = truth_bits * math.log(2), truth_stderr_bits * math.log(2)
    return validation_row(Source("case", "Markov", 64), estimate, truth, 1.5, beside)


def test_within_three_standard_errors_or_three_per_cent():
    assert row(12.9, 1.0, 10.0).good
    assert row(10.29, 0.01, 10.0).good
    assert not row(13.1, 1.0, 10.0).good
    assert row(0.29, 0.1, 0.0).good
    assert not row(0.31, 0.1, 0.0).good


def test_the_error_of_a_monte_carlo_truth_counts():
    assert not row(14.0, 1.0, 10.0).good
    assert row(14.0, 1.0, 10.0, truth_stderr_bits=1.0).good
    assert row(14.0, 3.0, 10.0, truth_stderr_bits=4.0).standard_errors == pytest.approx(0.8)


def test_what_is_not_defined_is_none():
    assert row(1.0, 0.0, 1.0).standard_errors is None
    assert row(1.0, 0.1, 0.0).per_cent is None
    assert errors_text(row(1.0, 0.0, 1.0)) == "–"
    assert errors_text(row(1000.0, 0.001, 1.0)) == "+1e+06"


def test_the_table_reads_back_and_is_summed_up(tmp_path):
    rows = (row(10.0, 0.1, 10.0), row(5.0, 0.1, 10.0, method="ksg"))
    write_rows(tmp_path / "v.csv", ValidationRow, rows)
    assert read_rows(tmp_path / "v.csv", ValidationRow) == rows
    summary = validation_summary(rows)
    assert "1 of 1 cases" in summary
    assert "0 of 1 cases" in summary


def test_a_row_of_decoders_is_a_case_of_its_family_in_nats():
    found = row(4.0, 0.1, 5.0, 0.3, beside=Beside(6 * math.log(2), 3 * math.log(2), 0.7))
    assert (found.fitted_bits, found.raw_bits, found.weight) == (pytest.approx(6.0), pytest.approx(3.0), 0.7)
    known = found.known
    assert (known.name, known.family) == ("case", "Markov")
    in_bits = [v / math.log(2) for v in (known.low, known.high, known.stderr, *vars(known.measured).values())]
    assert in_bits == pytest.approx([5.0, 5.0, 0.3, 4.0, 6.0, 0.1])
    assert row(4.0, 0.1, 5.0, method="ksg").known is None


def test_the_summary_shows_intervals_and_counts_those_that_hold():
    judged = row(4.0, 0.1, 5.0).model_copy(update={"low_bits": 3.25, "high_bits": 5.5, "inside": True})
    outside = judged.model_copy(update={"high_bits": 4.5, "inside": False})
    rows = (judged, outside, row(4.0, 0.1, 5.0, method="ksg"))
    assert intervals_that_hold(rows) == {Quantity.IMAGE_INFORMATION: (1, 2)}
    summary = validation_summary(rows)
    assert "3.25 to 5.50" in summary
    assert "I(x;h): 1 of 2 intervals hold the truth" in summary
