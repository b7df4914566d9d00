"""Sheets hold every image, pixel for pixel, with its labels."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.figures import sample_grid
from ib_analysis.figures.sample_grid import to_rgb
from ib_analysis.figures.samples import Samples
from ib_analysis.point import Network


def canvas(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def holds(sheet, image, levels, scale):
    """Whether the image stands somewhere on the sheet, every pixel a square of `scale` dots."""
    wanted = np.repeat(np.repeat(to_rgb(image, levels), scale, axis=0), scale, axis=1)
    height, width = wanted.shape[:2]
    line = wanted[0].tobytes()
    for y in range(sheet.shape[0] - height + 1):
        place = sheet[y].tobytes().find(line)
        if place >= 0 and np.array_equal(sheet[y : y + height, place // 3 : place // 3 + width], wanted):
            return True
    return False


def scale_of(sheet, samples):
    """Dots a pixel, between the smallest and the largest size of an image in print."""
    pixels = samples.originals.shape[-1]
    few = range(ceil(0.42 * 300 / pixels), int(0.8 * 300 / pixels) + 1)
    found = [scale for scale in few if holds(sheet, samples.originals[0], samples.levels, scale)]
    assert len(found) == 1
    return found[0]


def test_levels_are_spread_over_the_range():
    grey = to_rgb(np.array([[[0, 8, 16]]], dtype=np.uint8), 17)
    assert grey[0, :, 0].tolist() == [0, 128, 255]
    colour = np.arange(3, dtype=np.uint8).reshape(3, 1, 1)
    assert to_rgb(colour, 256)[0, 0].tolist() == [0, 1, 2]
    assert to_rgb(np.array([[[1]]], dtype=np.uint8), 2)[0, 0].tolist() == [255, 255, 255]


def test_two_channels_cannot_be_shown():
    with pytest.raises(UserError, match="2 channels"):
        to_rgb(np.zeros((2, 4, 4), dtype=np.uint8), 2)


@pytest.mark.parametrize("fixture", ["samples", "colour_samples"])
def test_every_original_and_draw_is_on_the_sheet(fixture, request):
    samples = request.getfixturevalue(fixture)
    sheet = canvas(sample_grid.draw_epochs(samples, "h2"))
    scale = scale_of(sheet, samples)
    for image in samples.originals:
        assert holds(sheet, image, samples.levels, scale)
    for epoch in samples.epochs():
        for image in samples.at(epoch, "h2").reshape(-1, *samples.originals.shape[1:]):
            assert holds(sheet, image, samples.levels, scale)
    assert not holds(sheet, samples.at(0, "h1")[0, 0], samples.levels, scale)


def test_labels_and_order(samples):
    figure = sample_grid.draw_epochs(samples, "h1")
    words = [text.get_text() for text in figure.axes[0].texts]
    assert "original" in words
    rows = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts if "epoch" in t.get_text()}
    assert list(rows)[:4] == ["epoch 0", "epoch 1", "epoch 10", "epoch 200"]
    assert [rows[name] for name in list(rows)[:4]] == sorted(rows[name] for name in list(rows)[:4])
    assert {f"class {i}" for i in range(5)} <= set(words)
    assert "p(x | h1)" in figure.texts[0].get_text()


def test_taps_are_rows_of_the_other_sheet(samples):
    figure = sample_grid.draw_taps(samples, 10)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert {"h1", "h2", "logits", "original"} <= set(words)
    assert "epoch 10" in figure.texts[0].get_text()


def test_a_sheet_is_no_wider_than_a_page(samples, colour_samples):
    for one in (samples, colour_samples):
        for figure in (sample_grid.draw_epochs(one, "h1"), sample_grid.draw_taps(one, 0)):
            assert figure.get_figwidth() <= 6.85


@pytest.mark.parametrize("encoder", ["net", "an-encoder-whose-name-is-longer-than-the-sheet-is-wide"])
def test_the_title_of_a_sheet_of_one_image_is_whole_and_above_the_images(samples, encoder):
    network = Network(encoder, "classifier", 0)
    drawn = {network.at(point.epoch, point.tap): images for point, images in samples.drawn.items()}
    one = replace(samples, network=network, drawn=drawn).first(1)
    sheets = [
        sample_grid.draw_epochs(one, "h1"),
        sample_grid.draw_taps(one, 0),
        sample_grid.draw_regimes([one], "h1"),
        sample_grid.draw_unconditional(samples.originals[:1], samples.levels),
    ]
    for figure in sheets:
        figure.draw_without_rendering()
        (title,) = figure.texts
        place = title.get_window_extent()
        assert place.x0 >= 0
        assert place.x1 <= figure.bbox.x1, title.get_text()
        assert place.y1 <= figure.bbox.y1
        labels = [text.get_window_extent().y1 for text in figure.axes[0].texts]
        assert place.y0 >= max([figure.axes[0].bbox.y1, *labels]) - 1
    assert sheets[-1].texts[0].get_text().split() == ["samples", "from", "p(x)"]


def test_labels_do_not_cover_images(samples):
    figure = sample_grid.draw_taps(samples, 10)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    sheet = canvas(figure)
    for text in axes.texts:
        (x0, y0), (x1, y1) = axes.transData.inverted().transform(text.get_window_extent().get_points())
        left, right, top, bottom = int(x0), int(x1), int(min(y0, y1)), int(max(y0, y1))
        assert left >= 0
        assert (sheet[max(top, 0) : bottom, left:right] == 255).all(), text.get_text()


def test_unconditional_sheet(samples):
    images = samples.at(0, "h1").reshape(-1, 1, 8, 8)
    figure = sample_grid.draw_unconditional(images, samples.levels)
    sheet = canvas(figure)
    drawn = replace(samples, originals=images)
    scale = scale_of(sheet, drawn)
    assert all(holds(sheet, image, samples.levels, scale) for image in images)
    assert "10 images" in sample_grid.caption_unconditional(images)


def test_absent_tap_or_epoch_is_named(samples):
    with pytest.raises(UserError, match=r"'h9'.*h1, h2, logits"):
        sample_grid.draw_epochs(samples, "h9")
    with pytest.raises(UserError, match=r"epoch 7.*0, 1, 10, 200"):
        sample_grid.draw_taps(samples, 7)


def test_captions(samples):
    assert "2 draws" in sample_grid.caption_epochs(samples, "h1")
    assert "epoch 10" in sample_grid.caption_taps(samples, 10)
    assert "net, classifier, seed 0" in sample_grid.caption_taps(samples, 10)


@pytest.mark.parametrize("shape", [(12, 8), (8, 12)])
def test_images_that_are_not_square_keep_to_their_slots(shape):
    rng = np.random.default_rng(0)
    originals = rng.integers(0, 17, (3, 1, *shape), dtype=np.uint8)
    network = Network("net", "classifier", 0)
    drawn = {
        network.at(0, tap): rng.integers(0, 17, (2, 3, 1, *shape), dtype=np.uint8) for tap in ("h1", "h2")
    }
    samples = Samples(network, 17, np.arange(3), originals, ("a", "b", "c"), drawn)
    sheet, loose = (
        canvas(sample_grid.draw_taps(samples, 0)),
        canvas(sample_grid.draw_unconditional(originals, 17)),
    )
    scales = range(8, 40)
    for images in (originals, *samples.at(0, "h1"), *samples.at(0, "h2")):
        assert any(all(holds(sheet, image, 17, scale) for image in images) for scale in scales)
    assert any(all(holds(loose, image, 17, scale) for image in originals) for scale in scales)


def test_the_sheet_of_one_image_holds_it_and_all_its_draws_of_every_regime(samples):
    other = replace(
        samples,
        network=Network("net", "autoencoder", 0),
        drawn={
            Network("net", "autoencoder", 0).at(point.epoch, point.tap): 16 - images
            for point, images in samples.drawn.items()
        },
    )
    figure = sample_grid.draw_regimes([samples, other], "h2")
    sheet = canvas(figure)
    scale = scale_of(sheet, samples)
    for network in (samples, other):
        for epoch in network.epochs():
            for image in network.at(epoch, "h2")[:, 0]:
                assert holds(sheet, image, samples.levels, scale)
    assert not holds(sheet, samples.originals[1], samples.levels, scale)
    words = {text.get_text() for text in figure.axes[0].texts}
    assert {"classifier", "autoencoder", "original", "epoch 0", "epoch 200"} <= words
    assert "classifier and autoencoder" in sample_grid.caption_regimes([samples, other], "h2")


def test_the_first_images_keep_their_draws(samples):
    few = samples.first(2)
    assert few.originals.shape[0] == len(few.classes) == len(few.rows) == 2
    assert np.array_equal(few.at(10, "h1"), samples.at(10, "h1")[:, :2])
    assert samples.first(None).originals.shape == samples.originals.shape
