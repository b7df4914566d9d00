"""The figure of the ladder: each rung at its truth, its interval, and filled only where it calibrates."""

import pytest

from ib_analysis.figures.checks import ladder


def row(
    rung,
    family,
    truth,
    estimate,
    low,
    high,
    quantity="I(x;h)",
    inside=True,
    calibrates=True,
    truth_kind="exact",
):
    return {
        "rung": rung, "family": family, "quantity": quantity, "truth_bits": truth, "estimate_bits": estimate,
        "low_bits": low, "high_bits": high, "inside": inside, "calibrates": calibrates, "truth": truth_kind,
    }  # fmt: skip


ROWS = [
    row("label", "label", 3.3, 3.1, 2.9, 3.6),
    row("k-means-4", "k-means", 2.0, 1.5, 1.3, 2.2),
    row("signs-4", "signs", 3.7, 1.0, 0.8, 1.9, inside=False, calibrates=False),
    row("label", "label", 3.3, 3.3, 3.2, 3.4, quantity="I(y;h)"),
]


def test_marks_and_bars_stand_at_their_values():
    image, label = ladder.draw(ROWS).axes
    assert (image.get_title("left"), label.get_title("left")) == ("I(x;h)", "I(y;h)")
    marks = {bars.get_label(): bars for bars in image.containers}
    assert marks["k-means"].lines[0].get_xydata().tolist() == [[2.0, 1.5]]
    (bar,) = marks["k-means"].lines[2][0].get_segments()
    assert bar[:, 1].tolist() == pytest.approx([1.3, 2.2])


def test_only_rungs_that_calibrate_are_filled():
    image = ladder.draw(ROWS).axes[0]
    faces = {bars.get_label(): bars.lines[0].get_markerfacecolor() for bars in image.containers}
    assert faces["signs"] == "white"
    assert "white" not in (faces["label"], faces["k-means"])


def test_the_caption_counts_the_intervals_of_the_image_alone():
    equal = row("rotation-1", "rotations", 5.0, 5.0, 4.0, 6.0, calibrates=False, truth_kind="equal")
    assert "2 of 3 intervals" in ladder.caption([*ROWS, equal])
