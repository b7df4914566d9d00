"""Verdicts on numbers whose consistency is known, and the table of them."""

import numpy as np
import pytest

from ib_analysis.information.inference.consistency import Measured, judge, judge_step, ratio
from ib_analysis.information.tables.consistency import (
    ConsistencyRow,
    consistency_row,
    consistency_summary,
    farthest,
    statistic_text,
)
from ib_analysis.rows import read_rows, write_rows

RNG = np.random.default_rng(0)
ONE = RNG.normal(30.0, 5.0, 400)
NOISE = RNG.normal(0.0, 1.0, 400)


def of(values):
    return Measured.of_images(np.asarray(values))


def test_a_ratio_of_means_over_the_same_images_is_paired():
    paired = ratio(of(2 * ONE + NOISE), of(ONE))
    alone = ratio(Measured(60.0, 0.5, 400), Measured(30.0, 0.25, 400))
    assert paired[0] == pytest.approx(2.0, abs=0.01)
    assert paired[1] < alone[1] / 4
    assert alone == (2.0, pytest.approx(np.hypot(0.5, 0.5) / 30))


@pytest.mark.parametrize(
    ("test", "factor", "verdict"),
    [
        ("additivity", 2.0, "consistent"),
        ("additivity", 1.0, "not"),
        ("data processing", 1.03, "consistent"),
        ("data processing", 1.2, "not"),
        ("symmetry", 0.85, "not"),
        ("independence", 0.0, "consistent"),
        ("independence", -0.05, "not"),
    ],
)
def test_a_method_is_judged_by_its_ratio(test, factor, verdict):
    found = judge(test, of(factor * ONE + NOISE), of(ONE))
    assert found.verdict == verdict
    assert found.statistic == pytest.approx(factor, abs=0.01)


def test_what_is_not_known_well_enough_is_undecided():
    assert judge("additivity", Measured(60.0, 9.0, 100), Measured(30.0, 1.0, 100)).verdict == "undecided"


def test_without_information_there_is_no_ratio_and_no_consistency():
    found = judge("additivity", Measured(0.1, 0.1, 100), Measured(0.1, 0.1, 100))
    assert (found.statistic, found.verdict) == (None, "not")
    assert judge_step(of(ONE), of(ONE), Measured(-1.0, 0.1, 100)).verdict == "not"


def test_a_rise_is_consistent_and_a_fall_is_not():
    assert judge_step(of(ONE), of(2 * ONE), of(3 * ONE)).verdict == "consistent"
    assert judge_step(of(ONE), of(ONE + NOISE - NOISE.mean()), of(ONE)).verdict == "consistent"
    found = judge_step(of(ONE), of(0.9 * ONE), of(ONE))
    assert found.statistic == pytest.approx(-0.1)
    assert found.verdict == "not"
    apart = judge_step(Measured(30.0, 1.0, 400), Measured(30.0, 1.0, 400), Measured(30.0, 1.0, 400))
    assert apart.verdict == "undecided"


def row(test, method, factor, rows=4, seed=0):
    measured, reference = of(factor * ONE + NOISE), of(ONE)
    judged = judge(test, measured, reference)
    return consistency_row(
        test, method, judged, measured, reference, seed=seed, rows=rows, what="I(x; 4 rows)"
    )


def test_the_table_survives_the_disk_and_the_worst_row_speaks(tmp_path):
    empty = judge("symmetry", Measured(0.0, 0.1, 50), Measured(0.0, 0.1, 50))
    nothing = consistency_row(
        "symmetry", "ksg", empty, Measured(0.0, 0.1, 50), Measured(0.0, 0.1, 50), seed=0, rows=2, what="I"
    )
    rows = [row("additivity", "decoders", 2.0), row("additivity", "decoders", 1.5, seed=1), nothing]
    write_rows(tmp_path / "consistency.csv", ConsistencyRow, rows)
    assert read_rows(tmp_path / "consistency.csv", ConsistencyRow) == tuple(rows)
    assert farthest(rows[:2]).seed == 1
    assert statistic_text(rows[:2]).startswith("1.50 ± 0.0")
    lines = consistency_summary(rows).splitlines()
    assert lines[1].split() == ["decoders", "-", "-", "-", "-", *statistic_text(rows[:2]).split(), "not"]
    assert "– not" in lines[2]
