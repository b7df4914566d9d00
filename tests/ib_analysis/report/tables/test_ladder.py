"""The ladder in the report: a row a rung, and how many lie inside, in the sentence of trust."""

from dataclasses import replace

import pytest

from ib_analysis.information.tables.calibration import CalibrationRow
from ib_analysis.report.page import tables
from ib_analysis.report.tables.ladder import ladder_table
from ib_analysis.report.text.trust import trust_sentence


def rung(name, truth, inside=True, quantity="I(x;h)", kind="exact"):
    return CalibrationRow(
        rung=name, family=name, quantity=quantity, truth=kind, truth_bits=truth, truth_stderr_bits=0.01,
        estimate_bits=0.9 * truth, fitted_bits=truth, stderr_images_bits=0.1, stderr_fits_bits=None, stderr_bits=0.1,
        low_bits=0.8 * truth, high_bits=1.2 * truth, inside=inside, raw_bits=0.7 * truth, weight=0.8,
        calibrates=inside, n_images=359, n_fits=1,
    )  # fmt: skip


RUNGS = (rung("label", 3.32), rung("signs-4", 3.8, inside=False), rung("same-class", 3.32, kind="ceiling"))


def test_a_row_says_what_is_known_and_whether_it_lies_inside():
    label, signs, same = ladder_table(RUNGS).rows
    assert (label[1], label[7], label[8]) == ("label", "passes", "yes")
    assert (signs[1], signs[7], signs[8]) == ("signs 4", "fails", "–")
    assert same[2].startswith("at most 3.3")
    assert label[6] == "2.66 to 3.98"


def test_the_sentence_of_trust_counts_the_rungs_of_the_image(content):
    label = rung("label", 3.3, inside=False, quantity="I(y;h)")
    words = trust_sentence(replace(content, ladder=(*RUNGS, label)))
    assert "1 of 2 codes whose information is counted lie in the interval" in words
    assert "codes whose information" not in trust_sentence(content)


@pytest.mark.parametrize("rungs", [(), RUNGS])
def test_the_page_has_the_table_where_there_is_a_ladder(content, rungs):
    assert len(tables(replace(content, ladder=rungs))["ladder"].rows) == len(rungs)
