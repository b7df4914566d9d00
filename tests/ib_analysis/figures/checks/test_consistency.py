"""The figure of consistency: curves begin where they should, ratios stand at their place."""

import pytest

from ib_analysis.figures.checks import consistency


def row(test, method, rows, statistic, measured=0.0, expected=1.0, verdict="consistent"):
    return {
        "test": test, "method": method, "rows": rows, "statistic": statistic, "stderr": 0.02, "expected": expected,
        "verdict": verdict, "measured_bits": measured, "reference_bits": 40.0, "n": 359,
    }  # fmt: skip


ROWS = [
    row("independence", "decoders", 0, 0.0),
    row("independence", "decoders", 4, 0.0),
    row("monotonicity", "decoders", 4, 0.5, 20.0, 0.0),
    row("monotonicity", "decoders", 8, 0.5, 40.0, 0.0),
    row("symmetry", "decoders", 4, 1.02),
    row("data processing", "infonce", 4, 1.1),
    row("additivity", "infonce", 4, 1.0, expected=2.0, verdict="not"),
    row("additivity", "ksg", 4, None, expected=2.0, verdict="not"),
]


def test_every_method_has_its_curve_however_many_there_are():
    methods = [f"method{i}" for i in range(14)]
    rows = [row("monotonicity", name, shown, 0.5, 20.0, 0.0) for name in methods for shown in (4, 8)]
    left = consistency.draw(rows).axes[0]
    assert left.get_legend_handles_labels()[1] == methods


def test_a_curve_holds_nothing_at_no_rows_and_all_at_all():
    assert consistency.curve(ROWS[:4]) == ([0, 4, 8], [0.0, 0.5, 1.0])


def test_two_panels_with_a_mark_for_each_ratio_that_has_a_value():
    figure = consistency.draw(ROWS)
    left, right = figure.axes
    assert left.get_ylabel() == "I(x; rows) / I(x; all rows)"
    marks = [container.lines[0].get_xdata()[0] for container in right.containers]
    assert marks == pytest.approx([1.02, 1.1, 0.5])


def test_the_caption_says_how_many_images():
    assert "n = 359 evaluation images" in consistency.caption(ROWS)
