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


def judged(case, truth, estimate, low, high, good):
    return row(case, "decoders", truth, estimate, good) | {
        "low_bits": low, "high_bits": high, "inside": low <= truth <= high,
    }  # fmt: skip


def test_where_there_is_an_interval_it_is_drawn_and_decides():
    rows = [judged("a", 4.0, 5.0, 3.5, 6.0, good=False), judged("b", 8.0, 7.9, 7.8, 7.95, good=True)]
    (axes,) = [axes for axes in calibration.draw(rows).axes if axes.get_visible()]
    marks = {c.get_gid(): c.get_offsets().tolist() for c in axes.collections if c.get_gid()}
    assert marks["I(x;h) decoders good"] == [[4.0, 5.0]]
    assert marks["I(x;h) decoders off"] == [[8.0, 7.9]]
    (bars,) = axes.containers[0].lines[2]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([3.5, 6.0]), pytest.approx([7.8, 7.95])]
    assert "1 of 2 intervals of I(x;h) hold the truth" in calibration.caption(rows)


def test_without_an_interval_the_bar_is_two_standard_errors():
    axes = calibration.draw(ROWS[:1]).axes[0]
    (bars,) = axes.containers[0].lines[2]
    assert bars.get_segments()[0][:, 1].tolist() == pytest.approx([39.6, 40.0])
