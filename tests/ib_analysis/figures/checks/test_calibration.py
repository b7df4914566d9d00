"""Estimates against truths, a panel a quantity and method."""

import pytest

from ib_analysis.figures.checks import calibration


def row(case, method, truth, estimate, good=True):
    return {
        "case": case, "quantity": "I(x;h)", "method": method, "truth_bits": truth, "estimate_bits": estimate,
        "stderr_bits": 0.1, "good": good,
    }  # fmt: skip


ROWS = [
    row("a", "decoders", 40.0, 39.8),
    row("b", "decoders", 3.0, 2.0, False),
    row("a", "ksg", 40.0, 3.0, False),
]


def test_marks_lie_at_truth_and_estimate_filled_where_they_agree():
    decoders, ksg = [axes for axes in calibration.draw(ROWS).axes if axes.get_visible()]
    marks = {c.get_gid(): c.get_offsets().tolist() for c in decoders.collections if c.get_gid()}
    assert marks["I(x;h) decoders good"] == [[40.0, 39.8]]
    assert marks["I(x;h) decoders off"] == [[3.0, 2.0]]
    assert ksg.get_title(loc="left") == "I(x;h), ksg"
    assert decoders.get_xlim()[1] == pytest.approx(80.0)


def test_the_caption_counts_cases():
    assert "2 cases" in calibration.caption(ROWS)
