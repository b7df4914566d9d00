"""Points lie where the data are; names and ceilings are there and hide nothing."""

import itertools

import numpy as np
import pytest

from ib_analysis.figures.information import information_plane
from ib_analysis.figures.style.direct_labels import settle
from ib_analysis.figures.style.saving import save


def texts(axes):
    return {text.get_text() for text in axes.texts}


def points(axes, name):
    return {c.get_gid(): np.asarray(c.get_offsets()) for c in axes.collections if c.get_gid()}[name]


def test_points_lie_where_the_data_are(rows):
    figure = information_plane.draw(rows)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in panels] == ["net, classifier", "net, autoencoder"]
    found = points(panels[0], "trajectory h2")
    assert found == pytest.approx(np.array([[82.88, 0.7], [84.88, 1.3], [87.88, 1.9], [78.88, 2.5]]))


def test_colour_is_the_epoch(rows):
    figure = information_plane.draw(rows)
    marks = {c.get_gid(): c for c in figure.axes[0].collections if c.get_gid()}
    assert list(marks["trajectory h1"].get_array()) == [0, 1, 2, 3]
    bar = figure.axes[-1]
    assert [t.get_text() for t in bar.get_yticklabels()] == ["0", "1", "10", "200"]
    assert len({tuple(c) for c in marks["trajectory h1"].to_rgba([0, 1, 2, 3])}) == 4


def test_error_bars_both_ways(rows):
    axes = information_plane.draw(rows).axes[0]
    bars = [c.get_segments() for c in axes.collections if hasattr(c, "get_segments")]
    across = [seg for segments in bars for seg in segments if seg[0][1] == seg[1][1]]
    up = [seg for segments in bars for seg in segments if seg[0][0] == seg[1][0]]
    assert {round(float(seg[1][0] - seg[0][0]), 6) for seg in across} == {1.6}
    assert {round(float(seg[1][1] - seg[0][1]), 6) for seg in up} == {0.08}
    assert len(across) == len(up) == 12


def test_names_units_and_ceilings(rows):
    figure = information_plane.draw(rows)
    for axes in figure.axes[:2]:
        assert {"h1", "h2", "logits", "H(y) = 3.32 bits", "CE(x) = 118.4 bits"} <= texts(axes)
        assert axes.get_xlabel() == "I(x;h)  [bits per image]"
    assert figure.axes[0].get_ylabel() == "I(y;h)  [bits per image]"
    assert any(line.get_ydata()[0] == pytest.approx(3.3219, abs=1e-3) for line in figure.axes[0].lines)


def test_a_far_ceiling_is_named_and_squeezes_nothing(rows):
    far = [dict(r, bits=9000.0) if r["quantity"] == "CE(x)" else r for r in rows]
    axes = information_plane.draw(far).axes[0]
    assert "CE(x) = 9,000 bits \N{RIGHTWARDS ARROW}" in texts(axes)
    assert axes.get_xlim()[1] < 150


def test_taps_that_a_linear_axis_would_squeeze_lie_apart_on_a_logarithmic_one(rows):
    small = [
        dict(r, bits=r["bits"] / 20) if r["quantity"] == "I(x;h)" and r["tap"] == "logits" else r
        for r in rows
    ]
    axes = information_plane.draw(small).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "I(x;h)  [bits per image, log scale]"
    assert {"1", "10", "100"} <= {t.get_text() for t in axes.get_xticklabels()}
    assert {"logits", "CE(x) = 118.4 bits"} <= texts(axes)
    left, right = axes.get_xlim()
    found = points(axes, "trajectory logits")
    assert left < found[:, 0].min() - 0.8 < found[:, 0].max() < 118.4 < right
    assert information_plane.draw(rows).axes[0].get_xscale() == "linear"


def test_known_information_is_marked(known):
    axes = information_plane.draw(known).axes[0]
    assert points(axes, "exact rows2") == pytest.approx(np.array([[84.55, 0.63]]))
    assert points(axes, "trajectory rows2") == pytest.approx(np.array([[83.35, 0.61]]))
    assert "H(x) = 334.5 bits" in texts(axes)
    assert axes.get_title(loc="center") == "× exact"
    assert "closed form" in information_plane.caption(known)


def test_seeds_are_thin_lines_around_a_mean(rows_of_seeds):
    axes = information_plane.draw(rows_of_seeds).axes[0]
    assert points(axes, "trajectory h1")[0] == pytest.approx([107.06, 0.8])
    assert sum(line.get_linewidth() == 0.5 for line in axes.lines) == 9  # three taps, three seeds


def test_names_overlap_neither_each_other_nor_markers(rows):
    figure = information_plane.draw(rows)
    settle(figure)
    for axes in figure.axes[:2]:
        boxes = [text.get_window_extent() for text in axes.texts]
        assert all(not a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
        marks = [axes.transData.transform(c.get_offsets()) for c in axes.collections if c.get_gid()]
        assert all(not box.contains(*mark) for box in boxes for mark in np.concatenate(marks))


def test_the_svg_names_taps_and_units(rows, tmp_path):
    svg = save(information_plane.draw(rows), tmp_path / "plane")["svg"].read_text()
    for words in ("h1", "h2", "logits", "I(x;h)  [bits per image]", "epoch"):
        assert f"<!-- {words} -->" in svg


def test_an_empty_table_still_draws():
    assert information_plane.draw([]).axes


def test_caption(rows):
    words = information_plane.caption(rows)
    assert "599" in words
    assert "neither a lower nor an upper bound" in words
    assert "I(y;h) = H(y) - CE(y|h) is a lower bound" in words
