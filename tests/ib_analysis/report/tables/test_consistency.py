"""The table of consistency: a method a row, a test a column."""

import numpy as np

from ib_analysis.information.inference.consistency import Measured, judge
from ib_analysis.information.tables.consistency import consistency_row
from ib_analysis.report.tables.consistency import consistency_table

ONE = np.random.default_rng(0).normal(30.0, 5.0, 400)


def row(method, factor, seed=0):
    measured, reference = Measured.of_images(factor * ONE), Measured.of_images(ONE)
    judged = judge("additivity", measured, reference)
    return consistency_row(
        "additivity", method, judged, measured, reference, seed=seed, rows=4, what="I([x1, x2]; [h1, h2])"
    )


def test_the_worst_of_all_seeds_stands_in_the_cell():
    table = consistency_table(
        [row("decoders", 2.0), row("decoders", 1.4, seed=1), row("kernel_density_upper", 2.0)]
    )
    assert [column.name for column in table.columns][-1] == "additivity"
    assert table.rows == (
        ("decoders", "–", "–", "–", "–", "1.40 ± 0.00 fails"),
        ("kernel density upper", "–", "–", "–", "–", "2.00 ± 0.00 passes"),
    )


def test_nothing_was_run():
    assert consistency_table([]).rows == ()
