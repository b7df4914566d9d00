"""A panel a tap, each with its own scale."""

import pytest

from ib_analysis.figures.information import tap_curves


def test_a_panel_for_every_tap_of_every_study(rows):
    panels = [axes for axes in tap_curves.draw(rows).axes if axes.get_visible()]
    titles = [axes.get_title(loc="left").strip() for axes in panels]
    assert titles == ["net, classifier\nh1", "h2", "logits", "net, autoencoder\nh1", "h2", "logits"]
    lines = [next(one for one in axes.lines if one.get_gid()) for axes in panels]
    assert lines[1].get_ydata() == pytest.approx([82.88, 84.88, 87.88, 78.88])


def test_scales_follow_their_own_data(rows):
    panels = [axes for axes in tap_curves.draw(rows).axes if axes.get_visible()]
    low, high = panels[0].get_ylim()
    assert 100 < low < 102.6 - 0.8
    assert 111.56 + 0.8 < high < 115
    assert panels[0].get_ylabel() == "I(x;h)\n[bits per image]"


def test_taps_wrap(rows):
    wide = [r for r in rows if r["regime"] != "autoencoder"]
    wide += [dict(r, tap=f"more{i}") for i in range(3) for r in wide if r["tap"] == "h1"]
    assert sum(axes.get_visible() for axes in tap_curves.draw(wide).axes) == 6


def test_caption_warns_of_the_scale(rows):
    assert "does not start at 0" in tap_curves.caption(rows)
    assert "I(y;h)" not in tap_curves.caption(rows)
