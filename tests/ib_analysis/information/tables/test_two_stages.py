"""The table of the two stages, in bits."""

import math

import numpy as np
import pytest

from ib_analysis.information.inference.two_stages import two_stages
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.two_stages import StagesRow, stages_rows
from ib_analysis.point import Network
from ib_analysis.rows import read_rows, write_rows


def found_along(gains, n=400, seed=0):
    rng = np.random.default_rng(seed)
    marginal = rng.normal(100, 5, size=n)
    conditional = [marginal - gain + rng.normal(0, 1, size=n) for gain in gains]
    return two_stages(marginal, conditional, list(range(len(gains))))


def test_a_row_is_in_bits_and_survives_the_disk(tmp_path):
    found = found_along([10.0, 30.0, 20.0])
    (row,) = stages_rows({("h1", Quantity.IMAGE_INFORMATION): found}, Network("net", "classifier", 0))
    assert row.peak_epoch == 1
    assert row.fitting_bits == pytest.approx(20 / math.log(2), abs=4 * row.fitting_stderr_bits)
    assert row.compression_bits == pytest.approx(10 / math.log(2), abs=4 * row.compression_stderr_bits)
    assert row.compression_low_bits < 10 / math.log(2) < row.compression_high_bits
    assert row.compression_high_bits == pytest.approx(found.compression.high_nats / math.log(2))
    assert (row.fitting_verdict, row.compression_verdict) == ("yes", "yes")
    write_rows(tmp_path / "two_stages.csv", StagesRow, [row])
    assert read_rows(tmp_path / "two_stages.csv", StagesRow) == (row,)


def test_all_tests_of_a_network_are_one_family():
    weak = found_along([10.0, 10.0, 10.0, 10.17], seed=2)
    assert 0.002 < weak.fitting.p_value < 0.025
    assert weak.fitting.verdict == "yes"
    names = [
        (tap, q)
        for tap in ("h1", "h2", "h3")
        for q in (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION)
    ]
    rows = stages_rows(dict.fromkeys(names, weak), Network("net", "classifier", 0))
    assert [(row.tap, row.quantity) for row in rows] == names
    assert rows[0].fitting_p == weak.fitting.p_value
    assert rows[0].fitting_p_holm == pytest.approx(min(1.0, 12 * weak.fitting.p_value))
    assert rows[0].fitting_verdict == "undecided"
