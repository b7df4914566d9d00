"""Dots at the gains, bars of their standard errors, numbers and verdicts beside them."""

from ib_analysis.figures.information import two_stages


def dots(axes, name):
    return next(line for line in axes.lines if line.get_gid() == name).get_xdata()


def test_dots_and_bars(stages):
    axes = two_stages.draw(stages).axes[0]
    assert list(dots(axes, "fitting")) == [5.0, 6.0, 7.0]
    assert list(dots(axes, "compression")) == [9.0, 8.0, 7.0]
    segments = [seg for c in axes.collections for seg in c.get_segments()]
    widths = {round(float(seg[1][0] - seg[0][0]), 6) for seg in segments}
    assert widths == {1.0, 2.0, 4.0}  # one and two standard errors of 0.5 and of 1.0, both sides


def test_numbers_verdicts_and_units(stages):
    figure = two_stages.draw(stages)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert "5.00 ± 0.50  yes" in words
    assert "9.0 ± 1.0  undecided" in words
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["h1", "h2", "logits"]
    assert figure.axes[1].get_xlabel() == "change of I(x;h)  [bits per image]"


def test_long_numbers_do_not_run_into_one_another(stages):
    long = [dict(row, fitting_bits=123456.0, fitting_verdict="undecided") for row in stages]
    figure = two_stages.draw(long)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    overlaps = sum(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert overlaps == 0


def test_one_checkpoint_has_no_stages():
    assert "One checkpoint" in two_stages.draw([]).texts[0].get_text()


def test_caption(stages):
    assert "n = 599 evaluation images" in two_stages.caption(stages)
    assert "does not prove" in two_stages.caption(stages)
    assert two_stages.caption(stages).endswith("Verdicts speak of: 3 networks.")
