"""The 95 % intervals and bands cover the truth in 93 to 97 % of all repetitions; the tests alarm at their level.

The binomial deviation of a share of 2,000 repetitions is 0.5 % at 95 %, that of 1,000 repetitions 0.7 %.
The whole table: `python -m benchmarks.coverage`.
"""

import numpy as np
import pytest

from benchmarks.known_curves import (
    finite_labels,
    finite_top_rows,
    raster_single_rows,
    raster_top_rows,
)
from benchmarks.simulated_coverage import (
    band_coverage,
    false_alarms,
    family_false_alarms,
    gain_coverage,
    interval_coverage,
)
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.datasets.rectangles import Rectangles

LAW = RasterMarkov(3, 8, 0.8, 0.9)
BADLY_FITTED = raster_top_rows(
    "", LAW, marginal=RasterMarkov(3, 8, 0.5, 1.4), conditional=RasterMarkov(3, 8, 0.9, 1.2)
)
RECTANGLES = Rectangles(5, 8)
FLAT = raster_single_rows("", LAW)


@pytest.mark.parametrize(
    ("curve", "n"),
    [
        (BADLY_FITTED.at([1]), 100),
        (finite_top_rows("", RECTANGLES).at([0, 2]), 100),
        (finite_labels("", RECTANGLES, 0.1).at([1, 3]), 200),
    ],
    ids=["I(x;h), badly fitted decoders", "I(x;h)", "I(y;h)"],
)
def test_intervals_cover(curve, n):
    for found in interval_coverage(curve, n, 2000):
        assert 0.93 <= found.student.value <= 0.97
        assert found.student.value >= found.normal.value


def test_bands_cover_where_intervals_of_single_points_do_not():
    found = band_coverage(BADLY_FITTED, 100, 1000)
    assert 0.93 <= found.band.value <= 0.97
    assert found.pointwise.value < 0.91


def test_compression_is_called_at_its_level_where_there_is_none():
    found = false_alarms(FLAT, 100, 600)
    assert 0.004 < found.value < 0.025 + 3 * np.sqrt(0.025 * 0.975 / 600)


def test_a_family_alarms_no_oftener_than_one_test():
    # Six tests without correction would alarm in up to 14 % of all cases.
    assert family_false_alarms([FLAT] * 3, 60, 200).value < 0.025 + 3 * np.sqrt(0.025 * 0.975 / 200)


def test_the_interval_of_a_compression_covers():
    rising_and_falling = BADLY_FITTED.at([0, 2, 1])
    assert gain_coverage(rising_and_falling, 100, 400).value > 0.93
