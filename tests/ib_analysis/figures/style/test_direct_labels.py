"""Names find room."""

import itertools

import numpy as np
import pytest

from ib_analysis.figures.style.direct_labels import Name, label_points, settle, spread_apart, thin_tick_labels
from ib_analysis.figures.style.figure_style import figure_style, paper_figure


@pytest.fixture
def axes():
    with figure_style():
        figure = paper_figure(3.25, 2.5)
        panel = figure.subplots()
        panel.set(xlim=(0, 10), ylim=(0, 10))
        settle(figure)
        yield panel


def test_spread_keeps_order_gap_and_range():
    generator = np.random.default_rng(0)
    for _ in range(50):
        heights = generator.uniform(-5, 105, 6)
        moved = spread_apart(heights, 10.0, 0.0, 100.0)
        assert (np.diff(moved[np.argsort(heights)]) >= 10.0 - 1e-9).all()
        assert moved.min() >= -1e-9
        assert moved.max() <= 100.0 + 1e-9


def test_heights_that_are_apart_do_not_move():
    assert spread_apart(np.array([10.0, 50.0]), 8.0, 0.0, 100.0).tolist() == [10.0, 50.0]


def test_a_crowd_of_names_does_not_overlap(axes):
    generator = np.random.default_rng(1)
    names = [Name(f"tap{i}", generator.uniform(3, 7, (4, 2))) for i in range(7)]
    written = label_points(axes, names)
    boxes = [text.get_window_extent() for text in written]
    assert all(not a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_name_in_a_corner_stays_inside(axes):
    text = label_points(axes, [Name("bottleneck", np.array([[9.9, 9.9]]))])[0]
    box = text.get_window_extent()
    assert axes.bbox.x0 <= box.x0
    assert box.x1 <= axes.bbox.x1
    assert box.y1 <= axes.bbox.y1


def test_ticks_stay_while_touching_labels_go(axes):
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xlim(-0.2, 220)
    ticks = [0, 1, 150, 160, 170, 200]
    thin_tick_labels(axes.figure, axes, ticks, [str(t) for t in ticks])
    texts = [label.get_text() for label in axes.get_xticklabels()]
    assert list(axes.get_xticks()) == ticks
    assert texts[0] == "0"
    assert texts[-1] == "200"
    assert texts[3] == texts[4] == ""
