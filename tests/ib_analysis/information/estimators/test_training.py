import numpy as np
import pytest
import torch
from torch import nn

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.training import Schedule, endless_batches, seeded, torch_device, train


class Number(nn.Module):
    """One parameter, starting at 0."""

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))


def schedule(**changes):
    fields = {
        "steps": 400,
        "patience": 100,
        "evaluate_every": 10,
        "batch": 4,
        "learning_rate": 0.05,
        "weight_decay": 0.0,
    }
    return Schedule(**{**fields, **changes})


def walk_up(score, **changes):
    """Fit that raises the number without end; the score decides where it stops."""
    return train(
        Number(),
        16,
        lambda net, rows: -net.value,
        lambda net: score(float(net.value)),
        schedule(**changes),
        0,
        "up",
    )


def test_it_keeps_the_best_validation_step_and_waits_no_longer_than_its_patience():
    best, fit = walk_up(lambda value: -((value - 3.0) ** 2))
    assert abs(float(best.value.detach()) - 3.0) < 0.4
    assert fit.last_step == fit.best_step + 100
    assert fit.best_score == pytest.approx(-((float(best.value.detach()) - 3.0) ** 2))
    assert not best.training


def test_a_plateau_that_is_shorter_than_the_patience_is_crossed():
    """The score is flat for about 140 steps before it rises, as NWJ's is."""
    flat_then_up = lambda value: max(0.0, value - 6.0)  # noqa: E731
    assert walk_up(flat_then_up, patience=100)[1].best_step == 0
    assert walk_up(flat_then_up, patience=300)[1].best_step > 200


def test_a_validation_step_that_is_not_finite_is_never_kept():
    best, fit = walk_up(lambda value: value if value < 1.0 else float("nan"))
    assert 0.0 < float(best.value.detach()) < 1.0
    assert np.isfinite(fit.best_score)


def test_it_says_whether_it_was_cut_short():
    assert walk_up(lambda value: value, patience=10**6)[1].cut_short
    assert not walk_up(lambda value: min(value, 2.0), patience=10**6)[1].cut_short
    assert not walk_up(lambda value: min(value, 2.0))[1].cut_short


def test_a_batch_that_overflows_is_left_out():
    losses = iter([float("nan"), float("inf")])

    def loss(net, rows):
        return net.value * next(losses, -1.0)

    best, _ = train(Number(), 16, loss, lambda net: float(net.value), schedule(), 0, "up")
    assert float(best.value.detach()) > 1.0


def test_batches_have_one_size_and_each_epoch_every_row_at_most_once():
    batches = endless_batches(rows=10, batch=4, seed=0)
    for _ in range(3):
        epoch = np.concatenate([next(batches) for _ in range(2)])
        assert len(set(epoch)) == 8
    assert len(next(endless_batches(rows=3, batch=100, seed=0))) == 3


def test_seeded_leaves_the_generator_as_it_was():
    before = torch.random.get_rng_state()
    with seeded(5):
        torch.rand(3)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("field", ["steps", "patience", "evaluate_every", "batch", "learning_rate"])
def test_a_setting_that_cannot_run_is_named(field):
    with pytest.raises(UserError, match=f"{field} is 0"):
        schedule(**{field: 0})


def test_a_device_that_is_not_there():
    with pytest.raises(UserError, match="device is 'toaster'"):
        torch_device("toaster")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="sees no GPU"):
            torch_device("cuda")
