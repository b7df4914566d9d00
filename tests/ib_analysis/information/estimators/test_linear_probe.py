import math

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.linear_model import LogisticRegression

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.label_probe import LabelledRows, log_frequencies
from ib_analysis.information.estimators.linear_probe import LinearProbe, log_probabilities, regress


def rows_of_three_classes(n=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return LabelledRows(rng.normal(size=(n, 4)) + labels[:, None], labels)


def literal(weights, fit, penalty):
    features, classes = len(weights) - 1, weights.shape[1]
    total = 0.0
    for row, label in zip(fit.rows, fit.labels):
        logits = [
            sum(row[d] * weights[d, c] for d in range(features)) + weights[-1, c] for c in range(classes)
        ]
        total -= (logits[label] - math.log(sum(math.exp(z) for z in logits))) / len(fit)
    return total + penalty / 2 * sum(weights[d, c] ** 2 for d in range(features) for c in range(classes))


def minimum(fit, penalty, classes):
    """The loss and its numeric gradient at the weights of the fitted model."""
    model = LogisticRegression(tol=1e-6, max_iter=500)
    regress(model, fit, penalty, classes)
    weights = np.vstack([model.coef_.T, model.intercept_])
    if classes == 2:
        weights = np.hstack([-weights / 2, weights / 2])
    shape = weights.shape
    gradient = approx_fprime(weights.ravel(), lambda flat: literal(flat.reshape(shape), fit, penalty))
    return model, literal(weights, fit, penalty), gradient


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("penalty", [1.0, 0.01])
def test_the_fit_is_the_minimum_of_the_stated_loss(classes, penalty):
    fit = rows_of_three_classes()
    fit = LabelledRows(fit.rows, np.minimum(fit.labels, classes - 1))
    model, least, gradient = minimum(fit, penalty, classes)
    assert np.abs(gradient).max() < 1e-4
    frequencies = np.exp(log_frequencies(fit.labels))
    assert least < -(frequencies * np.log(frequencies)).sum()
    found = np.exp(log_probabilities(model, fit.rows))
    assert found == pytest.approx(model.predict_proba(fit.rows), abs=1e-12)


def test_a_confident_model_gives_finite_nats():
    fit = rows_of_three_classes()
    model, _, _ = minimum(fit, 1.0, 3)
    assert np.isfinite(log_probabilities(model, 1e6 * fit.rows)).all()


def test_a_regression_that_took_all_its_steps_says_so():
    fit = rows_of_three_classes(600)
    assert (
        "not converged after 1 steps" in LinearProbe(most_steps=1).estimate(fit.rows, fit.labels).warnings[0]
    )
    assert not LinearProbe().estimate(fit.rows, fit.labels).warnings


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
