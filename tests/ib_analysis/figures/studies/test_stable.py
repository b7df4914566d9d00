"""The figure of Stable ResNet: marks lie at what was measured, lines at the closed form."""

import numpy as np
import pytest

from ib_analysis.figures.studies import stable
from ib_analysis.studies.stable.row import StableRow

KERNEL = ("nngp_effective_rank", "ntk_effective_rank", "nngp_accuracy", "ntk_accuracy")


def row(
    quantity,
    scaling,
    depth,
    seed,
    value,
    norm="none",
    closed_form=None,
    diverged=False,
    rate=None,
    validation=None,
):
    return StableRow(
        quantity=quantity, scaling=scaling, norm=norm, depth=depth, seed=seed, value=value, closed_form=closed_form,
        diverged=diverged, learning_rate=rate, validation_accuracy=validation,
        chance=None if rate is None else 0.1,
    )  # fmt: skip


@pytest.fixture
def figure():
    rows = []
    for scaling in ("none", "uniform", "decreasing"):
        for depth in (10, 100):
            for seed in (0, 1):
                rows.append(
                    row("log_gradient_growth", scaling, depth, seed, depth + seed, closed_form=float(depth))
                )
                rows.append(row("correlation", scaling, depth, seed, 0.4, closed_form=0.5))
                rows += [row(quantity, scaling, depth, seed, 0.9) for quantity in KERNEL]
                lost = scaling == "none" and depth == 100
                rows += [
                    row("test_accuracy", scaling, depth, seed, 0.8, norm, None, lost)
                    for norm in ("none", "batch")
                ]
    return stable.draw(rows), rows


def marks(axes, gid):
    (line,) = [line for line in axes.lines if line.get_gid() == gid]
    return np.asarray(line.get_ydata(), dtype=float)


def test_marks_are_means_over_seeds_and_lines_the_closed_form(figure):
    gradient, correlation = figure[0].axes[:2]
    assert marks(gradient, "uniform log_gradient_growth").tolist() == [10.5, 100.5]
    closed = [line for line in gradient.lines if line.get_linestyle() == "-" and line.get_gid() is None]
    assert any(np.allclose(line.get_ydata(), [10.0, 100.0]) for line in closed)
    assert marks(correlation, "none correlation").tolist() == pytest.approx([0.4, 0.4])


def test_diverged_trainings_bear_a_cross(figure):
    for axes, count in zip(figure[0].axes[3:6], (0, 1, 1)):
        crosses = [line for line in axes.lines if line.get_marker() == "x" and len(line.get_xdata())]
        assert len(crosses) == count


def test_equal_accuracies_have_no_bar_though_their_mean_is_rounded():
    equal = 0.9554317548746518
    assert np.mean([equal] * 3) != equal, "a value that shows the fault"
    found = stable.draw([row("test_accuracy", "uniform", 3, seed, equal) for seed in range(3)])
    (bars,) = [c for axes in found.axes for c in axes.collections if len(c.get_paths()) == 1][:1]
    low, high = bars.get_paths()[0].vertices[:, 1]
    assert high - low == pytest.approx(0.0, abs=1e-9)


def test_the_caption_counts_seeds_and_says_what_the_bars_are(figure):
    text = stable.caption(figure[1])
    assert "2 seeds" in text
    assert "bars: range over seeds" in text


def test_an_accuracy_stands_at_its_tick():
    values = (0.876, 0.97)
    found = stable.draw([row("ntk_accuracy", "uniform", depth, 0, v) for depth, v in zip((16, 1000), values)])
    panel = found.axes[3]
    found.canvas.draw()
    ticks = zip(panel.get_yticks(), panel.get_yticklabels())
    assert all(float(label.get_text().rstrip("%")) == pytest.approx(100 * at) for at, label in ticks)


def test_the_key_names_every_scaling(figure):
    (legend,) = figure[0].legends
    assert [text.get_text().split()[0] for text in legend.get_texts()] == [
        "unscaled",
        "uniform",
        "decreasing",
    ]


def test_accuracies_of_trained_networks_share_an_axis_that_ends_where_they_do():
    rows = [
        row("test_accuracy", "uniform", depth, seed, value, norm, rate=0.1, validation=0.5)
        for norm, value in (("none", 0.2), ("batch", 0.4))
        for depth in (3, 9)
        for seed in range(2)
    ]
    limits = {axes.get_ylim() for axes in stable.draw(rows).axes[4:6]}
    ((low, high),) = limits
    assert low == 0
    assert 0.4 < high < 0.5


def test_networks_are_drawn_at_the_rate_that_validation_images_prefer():
    """The other rate is the better one on evaluation images, which do not choose."""
    rows = [
        row("test_accuracy", "uniform", 3, seed, value, rate=rate, validation=validation)
        for seed in range(2)
        for rate, value, validation in ((0.1, 0.9, 0.5), (0.01, 0.7, 0.6))
    ]
    assert marks(stable.draw(rows).axes[4], "uniform test_accuracy").tolist() == pytest.approx([0.7])
