"""Verdicts on known information."""

import math

import pytest

from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.validation import (
    ValidationRow,
    errors_text,
    validation_row,
    validation_summary,
)
from ib_analysis.rows import read_rows, write_rows


def row(estimate_bits, stderr_bits, truth_bits, truth_stderr_bits=0.0, method="decoders"):
    estimate = Estimate(
        quantity=Quantity.IMAGE_INFORMATION, value=estimate_bits * math.log(2), stderr=stderr_bits * math.log(2), n=500,
        method=method, bound=Bound.NONE,
    )  # fmt: skip
    truth = truth_bits * math.log(2), truth_stderr_bits * math.log(2)
    return validation_row("case", estimate, truth, dimensions=64, seconds=1.5)


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
