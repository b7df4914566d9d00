"""One line a tap, on an axis where epoch 0 shows."""

import numpy as np
import pytest

from ib_analysis.figures.information import information_curves


def line(axes, name):
    return next(one for one in axes.lines if one.get_gid() == name)


def shown(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def test_lines_lie_where_the_data_are(rows):
    top, _, bottom, _ = information_curves.draw(rows).axes
    assert line(top, "I(x;h) h1").get_xydata() == pytest.approx(
        np.array([[0, 106.56], [1, 108.56], [10, 111.56], [200, 102.56]])
    )
    assert line(bottom, "I(y;h) logits").get_ydata() == pytest.approx([0.6, 1.2, 1.8, 2.4])


def test_epoch_zero_shows_and_epochs_are_ticked(rows):
    figure = information_curves.draw(rows)
    axes = figure.axes[2]
    assert axes.get_xscale() == "symlog"
    assert axes.get_xlim()[0] < 0 < 200 < axes.get_xlim()[1]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0", "1", "10", "200"]


def test_titles_units_names_and_ceilings(rows):
    figure = information_curves.draw(rows)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["net, classifier", "net, autoencoder", "", ""]
    assert figure.axes[0].get_ylabel() == "I(x;h)  [bits per image]"
    assert figure.axes[2].get_ylabel() == "I(y;h)  [bits per image]"
    assert figure.axes[2].get_xlabel() == "epoch"
    words = [text.get_text() for text in figure.axes[0].texts]
    assert {"h1", "h2", "logits", "CE(x) = 118.4 bits"} <= set(words)


def test_bands_are_one_standard_error(rows):
    axes = information_curves.draw(rows).axes[0]
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(111.56 + 0.8)
    assert band[:, 1].min() == pytest.approx(102.56 - 0.8)


def test_the_same_scale_for_every_regime(rows):
    axes = information_curves.draw(rows).axes
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert axes[2].get_ylim() == axes[3].get_ylim()


def test_four_studies_stand_in_two_blocks(rows):
    more = rows + [dict(r, encoder="other") for r in rows if r["tap"]]
    assert len(shown(information_curves.draw(more))) == 8


def test_three_studies_stand_side_by_side(rows):
    more = rows + [dict(r, encoder="other") for r in rows if r["tap"] and r["regime"] == "classifier"]
    assert len(shown(information_curves.draw(more))) == 6


def test_a_lone_checkpoint_with_known_information(known):
    axes = information_curves.draw(known).axes[0]
    crosses = [one.get_ydata()[0] for one in axes.lines if one.get_marker() == "x"]
    assert crosses == [84.55, 167.9]
    assert axes.get_xlim() == (-1.0, 1.0)


def test_an_empty_table_still_draws():
    assert information_curves.draw([]).axes


def test_a_simultaneous_band_is_shaded_and_named(rows):
    banded = [dict(r, band_bits=9.0) if r["quantity"] == "I(x;h)" and r["tap"] else r for r in rows]
    top = information_curves.draw(banded).axes[0]
    reach = [
        c.get_paths()[0].get_extents() for c in top.collections if c.get_paths()[0].vertices.shape[0] > 4
    ]
    assert max(box.height for box in reach) == pytest.approx(111.56 - 102.56 + 18.0)
    assert "95 % band" in information_curves.caption(banded)
    assert "95 % band" not in information_curves.caption(rows)
