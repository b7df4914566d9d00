import numpy as np
import pytest
import torch

from decoders.training.validation import KEPT_NATS, History


def history_of(*means, patience=None, examples=4):
    history = History(patience)
    for i, mean in enumerate(means):
        nats = mean + np.tile([-0.5, 0.5], examples // 2)
        history.add(10 * i, float(i), None if i == 0 else mean, nats, 0.1)
    return history


def test_the_best_row_is_the_first_of_the_lowest():
    history = history_of(5.0, 3.0, 4.0, 3.0)
    assert history.best.step == 10
    assert history.best.holdout_stderr_nats == pytest.approx(np.std([-0.5, 0.5, -0.5, 0.5], ddof=1) / 2)


def test_a_row_is_told_to_be_the_best_so_far():
    history = History(None)
    found = [
        history.add(i, 0.0, None, np.array([mean, mean + 1]), 0.1)
        for i, mean in enumerate([5.0, 3.0, 4.0, 3.0])
    ]
    assert found == [True, True, False, False]


@pytest.mark.parametrize(("patience", "out"), [(None, False), (3, False), (2, True), (1, True)])
def test_patience_counts_validation_steps_after_the_best(patience, out):
    assert history_of(5.0, 3.0, 4.0, 3.5, patience=patience).out_of_patience == out


def test_a_restored_history_equals_the_saved_one(tmp_path):
    history = history_of(5.0, 3.0, 4.0, patience=2)
    torch.save(history.state_dict(), tmp_path / "history")
    restored = History(2)
    restored.load_state_dict(torch.load(tmp_path / "history", weights_only=True))
    assert restored.rows == history.rows
    assert restored.late_gain() == history.late_gain()


def test_the_late_gain_is_that_of_the_last_quarter():
    assert history_of(9.0, 5.0, 4.0).late_gain().nats == pytest.approx(1.0)
    many = history_of(9.0, 5.0, 4.0, examples=KEPT_NATS + 10)
    assert many.state_dict()["kept_nats"].shape == (3, KEPT_NATS)
