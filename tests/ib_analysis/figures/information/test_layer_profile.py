import math

import numpy as np
import pytest

from ib_analysis.figures.information import layer_profile


def row(encoder, seed, epoch, tap, quantity, bits):
    return {
        "encoder": encoder, "regime": "classifier", "seed": seed, "epoch": epoch, "tap": tap, "quantity": quantity,
        "bits": bits, "stderr_bits": 0.5, "bound": "none", "n_images": 100,
    }  # fmt: skip


ROWS = [
    row(encoder, seed, epoch, tap, quantity, base - 5 * depth + epoch + seed)
    for encoder, base in (("narrow", 30.0), ("wide", 60.0))
    for seed in (0, 2)
    for epoch in (0, 5, 20)
    for depth, tap in enumerate(("h1", "h2", "h3"))
    for quantity in ("I(x;h)", "I(y;h)")
]


def lines(figure, panel):
    return {
        line.get_gid(): line.get_xydata()
        for line in figure.axes[panel].get_lines()
        if " epoch " in str(line.get_gid())
    }


def test_a_line_a_network_at_the_first_and_the_last_epoch_over_taps_in_network_order():
    found = lines(layer_profile.draw(ROWS), 0)
    assert set(found) == {
        f"{name}, classifier epoch {epoch}" for name in ("narrow", "wide") for epoch in (0, 20)
    }
    np.testing.assert_allclose(found["wide, classifier epoch 20"], [[0, 81], [1, 76], [2, 71]])


def test_bars_are_the_spread_over_seeds():
    bars = layer_profile.draw(ROWS).axes[0].containers[0].lines[2][0].get_segments()
    assert bars[0][1, 1] - bars[0][0, 1] == pytest.approx(2 * math.sqrt(2))


@pytest.mark.parametrize(("highest", "drawn"), [(2.5, True), (1.0, False)])
def test_the_label_entropy_is_in_view_where_the_curves_come_near_it(highest, drawn):
    curve = [row("narrow", 0, epoch, "h1", "I(y;h)", highest - 0.1 * epoch) for epoch in (0, 1)]
    image = [row("narrow", 0, epoch, "h1", "I(x;h)", 9.0) for epoch in (0, 1)]
    axes = layer_profile.draw([*curve, *image, row(None, None, None, None, "H(y)", 3.3)]).axes[1]
    dashed = [line for line in axes.get_lines() if list(line.get_ydata()) == [3.3, 3.3]]
    assert bool(dashed) == drawn
    assert (axes.get_ylim()[1] > 3.3) == drawn


def test_the_caption_says_what_the_bars_are_and_the_bound():
    words = layer_profile.caption(ROWS)
    assert "standard deviation of 2 seeds; n = 100" in words
    assert "neither a lower nor an upper bound" in words
    assert "one standard error over n = 100" in layer_profile.caption([r for r in ROWS if r["seed"] == 0])
