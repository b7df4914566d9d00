"""Errors at their places, the threshold, and the layers below."""

import pytest

from ib_analysis.figures.studies import beyond_kernels
from ib_analysis.studies.beyond_kernels.row import Row


def row(arm, seed, error, width=200, alpha=0.3, samples=1000, **others):
    values = {"outputs": 15, "selected": True, "test_error": error}
    return Row(arm=arm, seed=seed, alpha=alpha, samples=samples, width=width, **(values | others))


def errors():
    rows = [row("resnet", seed, 0.3 + 0.1 * seed) for seed in range(3)]
    rows += [row("resnet", 0, 9.0, selected=False), row("resnet", 0, 0.9, width=50)]
    rows += [row("resnet", 0, 0.8, samples=2000), row("resnet", 0, 0.2, alpha=0.1), row("net3", 0, 2.0)]
    return rows + [row("polynomial2", 0, 2.5, width=None), row("tangent_net2", 0, None, width=50)]


def layers():
    return [
        row(
            "resnet",
            seed,
            None,
            layer=layer,
            about=about,
            bits=0.5 + 0.1 * seed,
            stderr_bits=0.05,
            epoch=epoch,
            probe="linear_probe",
        )
        for seed in range(2)
        for layer in ("hidden1", "out1", "hidden2", "out")
        for about in ("F1", "F8", "G1")
        for epoch in (0, 10)
    ]


def lines(figure):
    found = {}
    for axes in [a for f in (figure, *figure.subfigs) for a in f.axes]:
        found |= {line.get_gid(): line.get_xydata().tolist() for line in axes.lines if line.get_gid()}
    return found


def test_a_mark_is_the_median_of_the_selected_rows():
    found = lines(beyond_kernels.draw(errors()))
    assert found["width resnet"] == [[50.0, 0.9], [200.0, pytest.approx(0.4)]]
    assert [y for _, y in found["samples resnet"]] == [pytest.approx(0.4), 0.8]
    assert [y for _, y in found["alpha resnet"]] == [0.2, pytest.approx(0.4)]
    assert found["closed form polynomial2"][0][1] == 2.5
    assert "width tangent_net2" not in found


def test_the_threshold_is_k_alpha_squared_in_every_panel():
    figure = beyond_kernels.draw(errors())
    a, b, c = figure.axes
    black = [[line.get_ydata() for line in axes.lines if line.get_color() == "black"] for axes in (a, b, c)]
    assert list(black[0][0]) == pytest.approx([1.35, 1.35])
    assert list(black[1][0]) == pytest.approx([1.35, 1.35])
    assert list(black[2][0]) == pytest.approx([0.15, 1.35])


def test_layers_are_means_over_coordinates_and_seeds_against_epochs():
    found = lines(beyond_kernels.draw(errors() + layers()))
    assert found["out1 F linear_probe"] == [[1.0, pytest.approx(0.55)], [11.0, pytest.approx(0.55)]]
    assert found["hidden2 G linear_probe"] == [[1.0, pytest.approx(0.55)], [11.0, pytest.approx(0.55)]]


def test_the_caption_says_what_the_bars_are_and_what_was_lost():
    text = beyond_kernels.caption(errors() + layers())
    assert "median over seeds, bars: smallest and largest" in text
    assert "15 outputs" in text
    assert "F1 and F8" in text
    assert "omitted: 1" in text
