"""What is said of samples names the point's own numbers, and nothing where there are none."""

from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.point import Point
from ib_analysis.report.text.of_samples import said_of_samples


def row(measure, value, relative, tap="h1", low=None, high=None):
    return ForgettingRow(
        encoder="net", regime="classifier", seed=0, epoch=5, tap=tap, measure=measure, low_cycles=low, high_cycles=high,
        value=value, stderr=0.01, original=0.97 if measure == "class agreement" else 0.0, same_class=0.5,
        any_image=0.1, relative_same_class=2 * relative, relative_same_class_stderr=0.1, relative_any_image=relative,
        relative_any_image_stderr=0.1, n_images=8, n_draws=2,
    )  # fmt: skip


ROWS = [
    row("class agreement", 0.83, 8.3),
    row("squared error", 0.05, 0.4),
    row("frequency", 0.01, 0.1, high=1.0),
    row("frequency", 0.04, 0.9, low=1.0),
    row("class agreement", 0.2, 2.0, tap="h3"),
]


def test_each_point_has_the_words_of_its_own_samples():
    said = said_of_samples(ROWS)
    h1, h3 = (said[Point("net", "classifier", 0, 5, tap)] for tap in ("h1", "h3"))
    assert h1[0].startswith("A classifier of other images takes 83% of the draws")
    assert "the original itself for 97%, another image for 10%" in h1[0]
    assert h1[1] == "Squared error: 0.40 times that of another image, 0.80 times one of its class."
    assert h1[2] == "By frequency, in cycles an image: 0 to 1: 0.10, from 1: 0.90."
    assert len(h3) == 1
    assert "20% of the draws" in h3[0]


def test_grey_images_have_no_sentence_on_colour():
    assert not any(
        "colour" in sentence for sentence in said_of_samples(ROWS)[Point("net", "classifier", 0, 5, "h1")]
    )
    coloured = [row("lightness", 0.1, 0.3), row("colour", 0.2, 0.8)]
    (sentence,) = said_of_samples(coloured)[Point("net", "classifier", 0, 5, "h1")]
    assert sentence == "Of lightness 0.30, of colour 0.80 times that of another image."
