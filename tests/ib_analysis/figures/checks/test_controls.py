"""Controls against their points."""

import pytest

from ib_analysis.figures.checks import controls


def row(control, quantity, bits, point, verdict="passes", stderr=0.5):
    return {
        "control": control, "quantity": quantity, "bits": bits, "point_bits": point, "stderr_bits": stderr,
        "change_bits": bits - point, "change_stderr_bits": stderr, "verdict": verdict, "n_images": 200,
    }  # fmt: skip


ROWS = [
    row("shuffled", "I(x;h)", 0.1, 80.0),
    row("filters-8", "I(x;h)", 60.0, 80.0, "fails"),
    row("filters-8", "I(x;h)", 39.0, 40.0),
    row("shuffled", "I(y;h)", 0.0, 2.0),
    row("untrained", "I(x;h)", 20.0, 20.0, "shown"),
    row("identity", "CE(x|h)", 1.0, 90.0),
]


def test_points_lie_where_they_were_measured_and_the_untrained_network_is_left_out():
    image, label = controls.draw(ROWS).axes[:2]
    marks = {c.get_gid(): c for c in image.collections if c.get_gid()}
    assert set(marks) == {"control shuffled", "control filters-8"}
    assert marks["control filters-8"].get_offsets().tolist() == [[80.0, 60.0], [40.0, 39.0]]
    assert {c.get_gid() for c in label.collections if c.get_gid()} >= {"control shuffled"}


def test_a_failed_control_is_an_open_mark():
    image = controls.draw(ROWS).axes[0]
    (marks,) = [c for c in image.collections if c.get_gid() == "control filters-8"]
    failed, passed = marks.get_facecolors()
    assert failed[:3].tolist() == [1.0, 1.0, 1.0]
    assert passed[:3].tolist() != [1.0, 1.0, 1.0]


def test_the_caption_counts_images():
    assert "n = 200" in controls.caption(ROWS)
    assert controls.caption([]) == controls.MEANING


def test_nothing_controlled_draws_empty_panels():
    assert [axes.get_title(loc="left") for axes in controls.draw([]).axes] == pytest.approx(
        ["I(x;h)", "I(y;h)"]
    )
