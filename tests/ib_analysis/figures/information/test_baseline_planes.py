"""A panel for every estimator of one network."""

import pytest

from ib_analysis.figures.information import baseline_planes
from ib_analysis.point import Network


@pytest.fixture
def baseline_rows(rows):
    """The decoders, a method that gives both informations, and one that knows labels alone."""
    ours = [dict(r, method="decoders") for r in rows if r["quantity"] in ("I(x;h)", "I(y;h)")]
    both = [dict(r, method="binning", bits=0.5 * r["bits"]) for r in ours]
    labels = [dict(r, method="linear_probe") for r in ours if r["quantity"] == "I(y;h)"]
    return ours + both + labels


def panels(rows):
    network = baseline_planes.networks(rows)[0]
    return [axes for axes in baseline_planes.draw(rows, network).axes if axes.get_visible()]


def test_every_network_is_found(baseline_rows):
    assert baseline_planes.networks(baseline_rows) == [
        Network("net", "classifier", 0),
        Network("net", "autoencoder", 0),
    ]


def test_a_panel_for_every_method_each_with_its_own_numbers(baseline_rows):
    found = panels(baseline_rows)
    titles = [axes.get_title(loc="left") for axes in found]
    assert titles[:3] == ["decoders", "binning", "linear probe"]
    marks = {c.get_gid(): c.get_offsets() for axes in found for c in axes.collections if c.get_gid()}
    assert marks["decoders h1"][0].tolist() == pytest.approx([0.9 * 118.4, 0.8])
    assert marks["binning h1"][0].tolist() == pytest.approx([0.45 * 118.4, 0.4])


def test_a_method_for_labels_alone_borrows_the_decoders_axis_and_says_so(baseline_rows):
    found = panels(baseline_rows)[2]
    assert "I(x;h) of decoders" in [text.get_text() for text in found.texts]
    (marks,) = [c for c in found.collections if c.get_gid() == "linear_probe h2"]
    assert marks.get_offsets()[0].tolist() == pytest.approx([0.7 * 118.4, 0.7])


def test_the_caption_counts_images(baseline_rows):
    assert "n = 599 images" in baseline_planes.caption(baseline_rows)
