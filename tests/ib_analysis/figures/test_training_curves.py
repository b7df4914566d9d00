"""The encoders' own curves, in the units of their regime."""

import pytest

from ib_analysis.figures import training_curves
from ib_analysis.figures.information.series import Panel
from ib_analysis.figures.training_curves import TrainingRun


def curve(metric, held_out=True):
    return [
        {
            "epoch": e, "learning_rate": 0.1, "loss": 2.0 / (1 + e), "metric": metric, "seconds": 1.0,
            "encoder_part": 0.5 + 0.01 * e, "held_out_part": 0.4 + 0.01 * e if held_out else "",
        }
        for e in range(11)
    ]  # fmt: skip


@pytest.fixture
def runs():
    return [
        TrainingRun(Panel("net", "classifier"), 0, curve("accuracy"), (0, 10)),
        TrainingRun(Panel("net", "classifier"), 1, curve("accuracy"), (0, 10)),
        TrainingRun(Panel("net", "autoencoder"), 0, curve("mean_squared_error"), (0, 10)),
    ]


def test_values_and_units(runs):
    loss, _, score, error = training_curves.draw(runs).axes
    assert loss.get_title(loc="left") == "net, classifier"
    assert loss.get_ylabel() == "cross-entropy loss\n[nats per image]"
    assert score.get_ylabel() == "accuracy\n[%]"
    assert error.get_ylabel() == "mean squared error\n[per sub-pixel]"
    longest = [line for line in score.lines if len(line.get_xdata()) == 11]
    assert longest[0].get_ydata()[-1] == pytest.approx(60.0)  # per cent
    assert longest[1].get_ydata()[-1] == pytest.approx(50.0)
    assert len(longest) == 4  # two seeds, two parts
    squared = [line for line in error.lines if len(line.get_xdata()) == 11]
    assert squared[0].get_ydata()[-1] == pytest.approx(0.6)


def test_parts_are_named(runs):
    score = training_curves.draw(runs).axes[2]
    assert {"training", "held out"} <= {text.get_text() for text in score.texts}


def test_a_missing_held_out_part_leaves_its_line_out():
    run = TrainingRun(Panel("net", "classifier"), 0, curve("accuracy", held_out=False), (0, 10))
    score = training_curves.draw([run]).axes[1]
    assert [t.get_text() for t in score.texts if t.get_alpha() is None] == ["training"]


def test_fixed_encoders_have_no_curve():
    fixed = [TrainingRun(Panel("kept", "fixed"), 0, ())]
    figure = training_curves.draw(fixed)
    assert "fixed" in figure.texts[0].get_text()
    assert "fixed" in training_curves.caption(fixed)


def test_caption_counts_seeds(runs):
    assert "2 seeds" in training_curves.caption(runs)
