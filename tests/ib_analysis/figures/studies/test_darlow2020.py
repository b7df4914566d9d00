"""Each tested difference stands where it was measured, with its answer."""

import pytest

from ib_analysis.figures.studies import darlow2020
from ib_analysis.studies.darlow2020.row import DarlowRow


def row(claim, question, bits, answer, tap="h3", encoder="wide", images="held out", **rest):
    values = {
        "regime": "classifier", "first_epoch": 0, "peak_epoch": 10, "last_epoch": 200, "peak_bits": 40.0,
        "stderr_bits": 0.5, "low_bits": bits - 1.0, "high_bits": bits + 1.0, "p": 0.01, "p_holm": 0.02, "family": 2,
        "spread_bits": 0.3, "margin_bits": 0.4, "networks": 5, "n_fits": 2, "n_images": 2000, "width": "64-128",
        "score": "accuracy", "own_score": 0.999, "held_out_score": 0.72,
    } | rest  # fmt: skip
    return DarlowRow(
        encoder=encoder,
        tap=tap,
        claim=claim,
        question=question,
        images=images,
        bits=bits,
        answer=answer,
        **values,
    )


ROWS = [
    row("i", "fitting", 20.0, "yes"),
    row("i", "fitting", 18.0, "undecided", tap="h4"),
    row("ii", "compression", 8.0, "yes"),
    row("vi", "compression", 9.0, "no", images="own"),
    row("", "compression", 1.0, "no", encoder="narrow"),
]


def marks(figure):
    lines = (line for axes in figure.axes for line in axes.get_lines())
    return {line.get_gid(): line for line in lines if line.get_gid() and not line.get_gid().startswith("_")}


def test_every_test_is_a_mark_at_its_value():
    found = marks(darlow2020.draw(ROWS))
    for one in ROWS:
        mark = found[f"{one.claim} {one.question} {one.images} {one.encoder} {one.regime} {one.tap}"]
        assert mark.get_xdata()[0] == one.bits


def test_answers_stand_beside_their_numbers_and_look_different():
    figure = darlow2020.draw(ROWS)
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "20.00 ± 0.50  yes" in words
    assert "18.00 ± 0.50  undecided" in words
    found = marks(figure)
    faces = {
        str(found[f"i fitting held out wide classifier {tap}"].get_markerfacecolor()) for tap in ("h3", "h4")
    }
    assert len(faces) == 2


def test_one_network_has_a_mark_and_no_interval():
    alone = row("i", "fitting", 5.0, "undecided", low_bits=None, high_bits=None, stderr_bits=None, networks=1)
    figure = darlow2020.draw([alone])
    assert len(figure.axes[0].get_lines()) == 2  # the line at 0 and the mark
    assert "1 network a regime" in darlow2020.caption([alone])


@pytest.mark.parametrize("words", ["64-128", "accuracy on own images 0.999", "2,000 images"])
def test_the_caption_says_what_the_networks_are(words):
    assert words in darlow2020.caption(ROWS)
