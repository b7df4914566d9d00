"""The calibration table shows what an interval of other families says of a known case."""

from ib_analysis.information.tables.validation import ValidationRow
from ib_analysis.report.tables.calibration import calibration_table


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
