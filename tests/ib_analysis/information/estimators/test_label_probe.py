"""What holds for all label probes: closed forms, laws, calibration, and the standard error by simulation."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import log_softmax

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.k_nearest_neighbours import KNearestNeighbours
from ib_analysis.information.estimators.label_probe import (
    LabelProbe,
    Prediction,
    class_numbers,
    confidence,
    log_frequencies,
    nats_of,
    tempered,
)
from ib_analysis.information.estimators.linear_probe import LinearProbe
from ib_analysis.information.estimators.mlp_probe import MLPProbe
from ib_analysis.information.estimators.parts import stratified_parts
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

PROBES = (
    LinearProbe(),
    MLPProbe(hidden=(16,), steps=300, patience=100, learning_rate=1e-2),
    KNearestNeighbours(),
)
by_name = pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)


def two_normals(rng, n, spread):
    """y is 0 or 1, x = (2 y - 1) + spread * noise: log p(1 | x) / p(0 | x) = 2 x / spread^2."""
    y = rng.integers(0, 2, n)
    return 2.0 * y - 1.0 + spread * rng.normal(size=n), y


def information_of_two_normals(spread):
    def surplus(x):
        density = math.exp(-((x - 1) ** 2) / (2 * spread**2)) / (spread * math.sqrt(2 * math.pi))
        return density * math.log1p(math.exp(-2 * x / spread**2))

    return math.log(2) - quad(surplus, 1 - 12 * spread, 1 + 12 * spread)[0]


class KnownPosterior(LabelProbe):
    """The posterior of `two_normals` with spread 1, on x that was standardised to deviation sqrt(2)."""

    name = "known posterior"
    reference = "closed form"
    assumptions = "none"

    def predict(self, fit, hold_out, evaluation, classes):
        read = (
            log_softmax(np.hstack([-math.sqrt(2) * x, math.sqrt(2) * x]), 1)
            for x in (hold_out.rows, evaluation)
        )
        return Prediction(*read)


# --- closed forms ----------------------------------------------------------------------------------------------


@by_name
@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_two_normals(probe, spread):
    x, y = two_normals(np.random.default_rng(0), 4000, spread)
    found = probe.estimate(x, y, Quantity.LABEL_INFORMATION)
    truth = information_of_two_normals(spread)
    assert (found.n, found.bound, found.quantity) == (1000, Bound.LOWER, Quantity.LABEL_INFORMATION)
    assert found.method == probe.name
    assert truth - 0.015 - 3 * found.stderr < found.value < truth + 3 * found.stderr


@by_name
def test_features_that_determine_the_class_give_its_entropy(probe):
    rng = np.random.default_rng(1)
    y = rng.choice(3, 2000, p=[0.5, 0.3, 0.2])
    entropy = -sum(p * math.log(p) for p in (0.5, 0.3, 0.2))
    found = probe.estimate(np.eye(3)[y] + 0.01 * rng.normal(size=(2000, 3)), y)
    assert entropy - 0.02 < found.value < entropy + 1e-3


@by_name
def test_a_noisy_channel_of_unequal_classes(probe):
    """y in {0, 1} with P(1) = 0.2, h one of two symbols, flipped with probability 0.1: exact posterior, ties."""
    rng = np.random.default_rng(2)
    y = (rng.random(6000) < 0.2).astype(int)
    h = np.where(rng.random(6000) < 0.1, 1 - y, y)
    joint = np.array([[0.8 * 0.9, 0.8 * 0.1], [0.2 * 0.1, 0.2 * 0.9]])
    truth = float((joint * np.log(joint / joint.sum(0) / joint.sum(1, keepdims=True))).sum())
    found = probe.estimate(h, y)
    assert abs(found.value - truth) < 3.5 * found.stderr


@by_name
def test_features_that_say_nothing_give_nothing(probe):
    rng = np.random.default_rng(3)
    found = probe.estimate(rng.normal(size=(2000, 20)), rng.integers(0, 10, 2000))
    assert abs(found.value) < 3 * found.stderr + 1e-3


def test_what_is_not_linear_escapes_the_linear_probe_alone():
    """The exclusive or of two bits: log 2 for whoever sees both."""
    rng = np.random.default_rng(4)
    bits = rng.integers(0, 2, (3000, 2))
    linear, mlp, neighbours = (probe.estimate(bits, bits[:, 0] ^ bits[:, 1]).value for probe in PROBES)
    assert abs(linear) < 0.02
    assert min(mlp, neighbours) > math.log(2) - 0.02


# --- laws ------------------------------------------------------------------------------------------------------


@by_name
def test_images_are_flattened_and_labels_are_names(probe):
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 400)
    images = rng.normal(size=(400, 2, 3, 3))
    images[:, 1, 2, 0] += 2 * y
    first = probe.estimate(images, y)
    assert first.value > 0.2
    assert probe.estimate(images.reshape(400, -1), np.array([-7, 3, 900])[y]).value == first.value


@by_name
def test_the_units_of_the_features_do_not_matter(probe):
    x, y = two_normals(np.random.default_rng(6), 400, 1.0)
    assert probe.estimate(1e4 * x - 7, y).value == pytest.approx(probe.estimate(x, y).value, abs=1e-3)


@by_name
def test_the_seed_and_nothing_else_decides(probe):
    x, y = two_normals(np.random.default_rng(7), 400, 1.0)
    first = probe.estimate(x, y)
    torch.rand(3)
    assert probe.estimate(x, y) == first
    assert type(probe)(**{**vars(probe), "seed": 1}).estimate(x, y).value != first.value


@by_name
def test_the_three_parts_are_disjoint_and_the_evaluation_part_moves_nothing(probe, monkeypatch):
    """Row i of the second feature is the number i, so that it is known which rows went where."""
    x, y = two_normals(np.random.default_rng(8), 400, 1.0)
    seen, original = [], type(probe).predict

    def watched(self, fit, hold_out, evaluation, classes):
        prediction = original(self, fit, hold_out, evaluation, classes)
        seen.append(
            ([set(rows[:, 1]) for rows in (fit.rows, hold_out.rows, evaluation)], prediction.hold_out)
        )
        return prediction

    monkeypatch.setattr(type(probe), "predict", watched)
    rows = np.stack([x, np.arange(400.0)], 1)
    probe.estimate(rows, y)
    parts, hold_out = seen[0]
    assert len(parts[0] | parts[1] | parts[2]) == sum(map(len, parts)) == 400
    evaluated = stratified_parts(y, seed=0).evaluation
    rows[evaluated, 0] += 3.0
    probe.estimate(rows, y)
    assert np.array_equal(seen[1][1], hold_out)


# --- the standard error ----------------------------------------------------------------------------------------


def test_the_standard_error_covers_the_spread_over_samples():
    """600 samples of 400 rows: the spread of the value and the stated error, which may be a little wide."""
    rng = np.random.default_rng(9)
    found = [KnownPosterior(seed=s).estimate(*two_normals(rng, 400, 1.0)) for s in range(600)]
    values, stated = np.array([e.value for e in found]), np.sqrt(np.mean([e.stderr**2 for e in found]))
    assert 0.9 < stated / values.std(ddof=1) < 1.2
    assert values.mean() < information_of_two_normals(1.0) + 3 * values.std() / math.sqrt(600)


# --- calibration -----------------------------------------------------------------------------------------------


def test_tempering_literally():
    log_prior = np.log([0.5, 0.3, 0.2])
    log_q = np.log([[0.2, 0.2, 0.6], [0.9, 0.05, 0.05]])
    for t in (0.0, 0.4, 1.0, 3.0):
        for row, found in zip(np.exp(log_q), np.exp(tempered(log_q, t, log_prior))):
            weights = [f * (q / f) ** t for q, f in zip(row, (0.5, 0.3, 0.2))]
            assert found == pytest.approx([w / sum(weights) for w in weights])


def test_confidence_finds_by_how_much_a_classifier_overstates():
    x, y = two_normals(np.random.default_rng(10), 50000, 1.0)
    for overstated in (0.5, 1.0, 3.0):
        log_q = log_softmax(overstated * np.stack([-x, x], 1), 1)
        assert confidence(log_q, y, log_frequencies(y)) == pytest.approx(1 / overstated, rel=0.03)


def test_a_classifier_that_is_wrong_is_not_believed_at_all():
    x, y = two_normals(np.random.default_rng(11), 1000, 1.0)
    assert confidence(log_softmax(np.stack([x, -x], 1), 1), y, log_frequencies(y)) == 0.0


def test_a_classifier_that_is_always_right_is_not_believed_without_limit():
    y = np.arange(100) % 2
    log_q = log_softmax(np.stack([1.0 - y, y], 1), 1)
    log_prior = log_frequencies(y)
    worst = -tempered(log_q, confidence(log_q, y, log_prior), log_prior).min()
    assert 0.5 * math.log(100) < worst < 2 * math.log(100)


def test_nats_literally():
    log_q = np.log([[0.2, 0.8], [0.6, 0.4]])
    assert nats_of(log_q, np.array([1, 0])) == pytest.approx([-math.log(0.8), -math.log(0.6)])


# --- what a reader is told -------------------------------------------------------------------------------------


def test_a_classifier_that_learned_nothing_says_so():
    rng = np.random.default_rng(12)
    y = rng.integers(0, 2, 400)

    class Wrong(KnownPosterior):
        def predict(self, fit, hold_out, evaluation, classes):
            q = np.log(np.where(hold_out.labels[:, None] == [0, 1], 0.1, 0.9))
            return Prediction(q, np.full((len(evaluation), 2), math.log(0.5)))

    found = Wrong().estimate(rng.normal(size=400), y)
    assert found.value == pytest.approx(0.0, abs=1e-3)
    assert any("class frequencies alone do better" in warning for warning in found.warnings)


def test_a_classifier_whose_calibration_misleads_says_so():
    y = np.random.default_rng(13).integers(0, 2, 400)

    class Changing(KnownPosterior):
        def predict(self, fit, hold_out, evaluation, classes):
            right = np.log(np.where(hold_out.labels[:, None] == [0, 1], 0.9, 0.1))
            return Prediction(
                right, np.log(np.random.default_rng(0).choice([[0.9, 0.1], [0.1, 0.9]], len(evaluation)))
            )

    (warning,) = Changing().estimate(y, y).warnings
    assert "negative beyond its error" in warning


def test_bad_labels_are_one_sentence():
    x = np.zeros((300, 2))
    with pytest.raises(UserError, match="y has 3 numbers a row"):
        LinearProbe().estimate(x, np.zeros((300, 3)))
    with pytest.raises(UserError, match="y holds fractions"):
        LinearProbe().estimate(x, np.full(300, 0.5))
    with pytest.raises(UserError, match="every row is of class 0"):
        LinearProbe().estimate(x, np.zeros(300))
    with pytest.raises(UserError, match="100 labelled rows are too few"):
        LinearProbe().estimate(x[:100], np.arange(100) % 2)
    assert class_numbers(np.array([[9.0], [-1.0]])).tolist() == [1, 0]
