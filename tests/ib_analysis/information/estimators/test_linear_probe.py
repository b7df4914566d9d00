import math

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.label_probe import LabelledRows
from ib_analysis.information.estimators.linear_probe import (
    LinearProbe,
    log_probabilities,
    loss,
    regress,
    start,
)


def rows_of_three_classes(n=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return LabelledRows(rng.normal(size=(n, 4)) + labels[:, None], labels)


def literal(weights, fit, penalty):
    total = 0.0
    for row, label in zip(fit.rows, fit.labels):
        logits = [sum(row[d] * weights[d, c] for d in range(4)) + weights[4, c] for c in range(3)]
        total -= (logits[label] - math.log(sum(math.exp(z) for z in logits))) / len(fit)
    return total + penalty / 2 * sum(weights[d, c] ** 2 for d in range(4) for c in range(3))


def test_the_loss_literally_and_its_gradient():
    fit, weights = rows_of_three_classes(), np.random.default_rng(1).normal(size=(5, 3))
    value, gradient = loss(weights, fit, 0.3)
    assert value == pytest.approx(literal(weights, fit, 0.3), abs=1e-12)
    numeric = approx_fprime(weights.ravel(), lambda flat: literal(flat.reshape(5, 3), fit, 0.3))
    assert gradient.ravel() == pytest.approx(numeric, abs=1e-6)


def test_it_starts_at_the_class_frequencies():
    fit = rows_of_three_classes()
    assert np.exp(log_probabilities(start(fit, 3), fit.rows)) == pytest.approx(
        np.tile(np.bincount(fit.labels) / len(fit), (len(fit), 1))
    )


def test_the_minimum_is_one_from_wherever_it_starts():
    fit = rows_of_three_classes(300)
    first, second = (
        regress(fit, 0.01, weights, 500)
        for weights in (start(fit, 3), np.random.default_rng(2).normal(size=(5, 3)))
    )
    assert np.abs(loss(first, fit, 0.01)[1]).max() < 1e-4
    assert log_probabilities(first, fit.rows) == pytest.approx(log_probabilities(second, fit.rows), abs=2e-3)


def test_the_penalty_is_chosen_by_the_hold_out_part():
    """Almost as many features as fitting rows: without a penalty the fit is perfect, and worth less."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 600)
    x = rng.normal(size=(600, 300))
    x[:, :50] += 0.25 * (2 * y[:, None] - 1)
    weak, chosen = (probe.estimate(x, y).value for probe in (LinearProbe(penalties=(1e-6,)), LinearProbe()))
    assert chosen > weak + 0.03


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"penalties": ()}, "penalties is"),
        ({"penalties": (-1.0,)}, "penalties is"),
        ({"most_steps": 0}, "most_steps is 0"),
    ],
)
def test_settings_that_cannot_run_are_named(changes, named):
    with pytest.raises(UserError, match=named):
        LinearProbe(**changes)
