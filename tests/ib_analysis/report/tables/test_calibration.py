"""The calibration table shows what an interval of other families says of a known case."""

from dataclasses import replace

from ib_analysis.information.tables.validation import ValidationRow
from ib_analysis.report.tables.calibration import calibration_table
from ib_analysis.report.text.trust import trust_sentence


def row(**more):
    given = {
        "case": "a", "family": "Teacher", "quantity": "I(x;h)", "method": "decoders", "truth_bits": 4.0,
        "estimate_bits": 3.0, "stderr_bits": 0.1, "n": 500, "seconds": 1.0, "dimensions": 64,
    }  # fmt: skip
    return ValidationRow(**(given | more))


def cells(one):
    table = calibration_table([one])
    return dict(zip((column.name for column in table.columns), table.rows[0], strict=True))


def test_interval_verdict_and_raw_value_stand_beside_the_error():
    found = cells(row(raw_bits=-1.5, fitted_bits=5.0, weight=0.5, low_bits=2.0, high_bits=4.25, inside=True))
    assert (found["raw"], found["95 %"], found["inside"], found["family"]) == (
        "-1.50",
        "2.00 to 4.25",
        "yes",
        "Teacher",
    )
    assert found["verdict"] == "fails"
    assert cells(row(raw_bits=1.0, low_bits=2.0, high_bits=3.5, inside=False))["inside"] == "no"


def test_a_baseline_has_dashes():
    found = cells(row(method="ksg"))
    assert [found[name] for name in ("raw", "95 %", "inside")] == ["–"] * 3


def test_the_sentence_of_trust_counts_intervals_of_the_image_alone(content):
    judged = {"raw_bits": 1.0, "low_bits": 2.0, "high_bits": 3.5}
    rows = [
        row(**judged, inside=True),
        row(case="b", **judged, inside=False),
        row(case="c", **judged, inside=False, quantity="I(y;h)"),
        row(method="ksg"),
    ]
    told = trust_sentence(replace(content, validation=tuple(rows)))
    assert "1 of 2 intervals of I(x;h) that other sources of images give hold the truth" in told
    without = trust_sentence(replace(content, validation=(row(method="ksg"),)))
    assert "intervals of I(x;h)" not in without
