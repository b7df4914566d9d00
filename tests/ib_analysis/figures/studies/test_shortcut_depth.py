"""Condition numbers, losses and rates against depth; spectra along training."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ib_analysis.figures.studies import shortcut_depth
from ib_analysis.studies.shortcut_depth.row import ShortcutDepthRow

SETTINGS = [(s, how) for s in ("none", "1", "2", "3") for how in ("near_zero", "xavier")]


def row(experiment, shortcut, how, layers, seed, layout="dense", nonlinearity="identity", **columns):
    return ShortcutDepthRow(
        experiment=experiment, layout=layout, nonlinearity=nonlinearity, shortcut=shortcut, initialization=how,
        layers=layers, seed=seed, parameters=10, **columns,
    )  # fmt: skip


def table(seeds=(0, 1), families=(("dense", "identity"), ("dense", "tanh"), ("convolutional", "tanh"))):
    rows = []
    for layout, nonlinearity in families:
        kind = {"layout": layout, "nonlinearity": nonlinearity}
        for seed in seeds:
            for layers in (6, 12):
                zero = {"condition_number": 2.5, "predicted_condition_number": 2.5}
                rows.append(row("zero", "2", "zero", layers, seed, **kind, **zero))
                for s, how in SETTINGS:
                    spectrum = {
                        "condition_number": layers * 4.0**seed,
                        "index": 0.5,
                        "largest_eigenvalue": 2.0,
                    }
                    end = {
                        "training_loss": 0.2 + seed / 10,
                        "least_loss": 0.1,
                        "learning_rate": 0.1,
                        "step": 9,
                    }
                    rows.append(row("initial", s, how, layers, seed, **kind, **spectrum))
                    fell = (s, how, layers, seed) == ("1", "xavier", 12, 0)
                    rows.append(
                        row(
                            "final",
                            s,
                            how,
                            layers,
                            seed,
                            **kind,
                            **({"outcome": "diverged"} if fell else end),
                        )
                    )
                    if layers == 6 and layout == "dense":
                        rows.append(row("along", s, how, 6, seed, **kind, **(spectrum | {"step": 9})))
    return rows


def panels(figure):
    return [{line.get_gid(): line for line in axes.get_lines() if line.get_gid()} for axes in figure.axes]


def test_marks_are_geometric_means_over_seeds_against_depth():
    found = panels(shortcut_depth.draw(table()))
    assert len(found) == 9
    line = found[0]["2 xavier"].get_xydata()
    assert line.tolist() == [[6, pytest.approx(12)], [12, pytest.approx(24)]]
    assert found[5]["2 xavier"].get_ydata().tolist() == pytest.approx([0.1, 0.1])


def test_a_setting_that_diverged_has_no_mean_but_a_mark_at_the_edge():
    loss = panels(shortcut_depth.draw(table()))[3]
    assert loss["1 xavier"].get_xdata().tolist() == [6]
    assert loss["diverged 1 xavier"].get_ydata()[0] == pytest.approx(0.97)
    assert "diverged 2 xavier" not in loss


def test_training_starts_at_the_initial_point():
    index = panels(shortcut_depth.draw(table()))[7]
    assert index["3 near_zero"].get_xydata().tolist() == [[0, 0.5], [9, 0.5]]
    assert "none near_zero" not in index


def test_one_seed_and_missing_families_are_drawn():
    found = panels(shortcut_depth.draw(table(seeds=(0,), families=(("dense", "identity"),))))
    assert "2 xavier" in found[0]
    assert not found[2]


def test_the_legend_stands_inside_the_figure():
    figure = shortcut_depth.draw(table())
    FigureCanvasAgg(figure).draw()
    (legend,) = figure.legends
    own, whole = legend.get_window_extent(), figure.bbox
    assert whole.x0 + 5 < own.x0
    assert own.x1 < whole.x1 - 5


def test_the_caption_counts_seeds():
    assert "2 seeds" in shortcut_depth.caption(table())
