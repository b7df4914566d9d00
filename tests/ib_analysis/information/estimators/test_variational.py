"""What holds for all critic-based bounds: closed forms, laws, and the standard error by simulation."""

import math

import numpy as np
import pytest
import torch

from ib_analysis.errors import UserError
from ib_analysis.information.estimators import variational
from ib_analysis.information.estimators.infonce import InfoNCE
from ib_analysis.information.estimators.mine import MINE
from ib_analysis.information.estimators.nwj import NWJ
from ib_analysis.information.estimators.parts import three_parts
from ib_analysis.information.estimators.smile import SMILE
from ib_analysis.information.estimators.training import Training
from ib_analysis.information.estimators.variational import (
    few_pairs_caution,
    fit_cautions,
    independent_pairs,
    log_mean_exp_off_diagonal,
    mean_off_diagonal,
    true_pairs,
)
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

BOUNDS = (InfoNCE, NWJ, MINE, SMILE)
RHO = 0.75
TRUTH = -0.5 * math.log(1 - RHO**2)  # 0.413 nats
SMALL = {"critic": "separable", "hidden": (32, 32), "batch": 128, "learning_rate": 3e-3, "patience": 250}
TINY = {"critic": "separable", "hidden": (4,), "batch": 16, "steps": 5}


def gaussian_pairs(rng, n, rho=RHO):
    x = rng.normal(size=n)
    return x, rho * x + math.sqrt(1 - rho**2) * rng.normal(size=n)


def log_ratio(x, y, rho=RHO):
    """log p(x, y) / p(x) p(y) of all pairs of two standard normal variables of correlation rho."""
    a, b = x[:, None], y[None]
    return -0.5 * np.log(1 - rho**2) - (rho**2 * (a**2 + b**2) - 2 * rho * a * b) / (2 * (1 - rho**2))


def rough(x, y):
    """A critic that is far from the best: rows differ in how well they go with all others."""
    return 0.5 * x[:, None] * y[None] + 0.5 * x[:, None] - 0.3 * y[None]


def blocks_of(critic, rng, estimator, n, block):
    """Scores of a critic on fresh Gaussian pairs."""
    x, y = gaussian_pairs(rng, n)
    return [estimator.offset + critic(u, v) for u, v in zip(x.reshape(-1, block), y.reshape(-1, block))]


def blocks_of_noise(sizes=(5, 4)):
    return [np.random.default_rng(size).normal(size=(size, size)) for size in sizes]


# --- the pieces, literally --------------------------------------------------------------------------------------


def test_independent_pairs_literally():
    blocks = blocks_of_noise()
    pairs = [(k, i, j) for k, f in enumerate(blocks) for i in range(len(f)) for j in range(len(f)) if i != j]
    mean = sum(math.exp(blocks[k][i, j]) for k, i, j in pairs) / len(pairs)
    shares = []
    for f in blocks:
        for row in range(len(f)):
            others = [k for k in range(len(f)) if k != row]
            as_x = sum(math.exp(f[row, j]) for j in others) / len(others)
            as_y = sum(math.exp(f[i, row]) for i in others) / len(others)
            shares.append((as_x + as_y) / mean)
    log_mean, found = independent_pairs(blocks)
    assert log_mean == pytest.approx(math.log(mean))
    assert found == pytest.approx(shares)
    assert true_pairs(blocks) == pytest.approx([f[i, i] for f in blocks for i in range(len(f))])


def test_independent_pairs_of_enormous_scores():
    shifted = [scores + 5000.0 for scores in blocks_of_noise()]
    assert independent_pairs(shifted)[0] == pytest.approx(5000.0 + independent_pairs(blocks_of_noise())[0])


def test_means_off_the_diagonal_literally():
    scores = torch.from_numpy(blocks_of_noise()[0]).requires_grad_()
    off = [scores[i, j] for i in range(5) for j in range(5) if i != j]
    assert torch.allclose(mean_off_diagonal(scores), sum(off) / 20)
    assert torch.allclose(log_mean_exp_off_diagonal(scores), torch.log(sum(torch.exp(f) for f in off) / 20))
    log_mean_exp_off_diagonal(scores).backward()
    assert torch.isfinite(scores.grad).all()
    assert scores.grad.diagonal().abs().max() == 0.0


# --- the best critic, without a fit ----------------------------------------------------------------------------


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_the_best_critic_gives_the_closed_form(bound):
    estimator = bound()
    value, stderr = estimator.evaluate(blocks_of(log_ratio, np.random.default_rng(0), estimator, 8192, 512))
    assert 0.003 < stderr < 0.02
    assert abs(value - TRUTH) < 4 * stderr


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
@pytest.mark.parametrize(
    ("critic", "block", "widest"), [(log_ratio, 40, 1.2), (rough, 40, 1.2), (rough, 160, 1.12)]
)
def test_the_standard_error_is_the_spread_of_repeated_evaluations(bound, critic, block, widest):
    """With the best critic every row goes equally well with all others, so that only a rough one tells."""
    estimator, rng = bound(), np.random.default_rng(1)
    found = np.array([estimator.evaluate(blocks_of(critic, rng, estimator, 160, block)) for _ in range(600)])
    spread, stated = found[:, 0].std(ddof=1), np.sqrt((found[:, 1] ** 2).mean())
    assert 0.88 < stated / spread < widest  # 600 repetitions know their spread to 3 per cent


@pytest.mark.parametrize("bound", [InfoNCE, NWJ], ids=lambda bound: bound.name)
def test_a_lower_bound_stays_below_for_any_critic(bound):
    """Mean of many small evaluations, of critics that are too weak, too strong and wrong."""
    estimator, rng = bound(), np.random.default_rng(2)
    assert bound.bound is Bound.LOWER
    for change in (lambda f: 0.3 * f, lambda f: 1.3 * f, lambda f: f - 0.5, lambda f: np.sin(3 * f)):
        values = [
            estimator.evaluate([change(scores) for scores in blocks_of(log_ratio, rng, estimator, 40, 20)])[0]
            for _ in range(400)
        ]
        assert np.mean(values) < TRUTH + 3 * np.std(values) / 20


@pytest.mark.parametrize("bound", [MINE, SMILE], ids=lambda bound: bound.name)
def test_what_is_no_bound_does_not_say_it_is(bound):
    assert bound.bound is Bound.NONE


@pytest.mark.parametrize("bound", [MINE, SMILE, NWJ], ids=lambda bound: bound.name)
def test_a_mean_that_rests_on_few_pairs_is_said(bound):
    scores = np.zeros((60, 60))
    scores[3, 8] = 9.0
    estimator = bound(clip=20.0) if bound is SMILE else bound()
    assert any("rests on a few" in caution for caution in estimator.cautions(0.0, 0.1, [scores]))
    assert not estimator.cautions(0.0, 0.1, [np.zeros((60, 60))])
    assert few_pairs_caution(np.full(10, 2.0)) == ()


# --- fits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_a_fitted_critic_on_the_correlated_pair(bound):
    x, y = gaussian_pairs(np.random.default_rng(3), 6000)
    found = bound(steps=400, **SMALL).estimate(x, y)
    assert found.n == 1500
    assert (found.method, found.bound, found.quantity) == (
        bound.name,
        bound.bound,
        Quantity.MUTUAL_INFORMATION,
    )
    assert TRUTH - 0.03 - 3 * found.stderr < found.value < TRUTH + 3 * found.stderr


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_independent_pairs_give_nothing(bound):
    rng = np.random.default_rng(4)
    found = bound(steps=300, **SMALL).estimate(rng.normal(size=(3000, 3)), rng.exponential(size=3000))
    assert abs(found.value) <= 3 * found.stderr + 2e-3


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_a_binary_symmetric_channel_of_classes(bound):
    rng = np.random.default_rng(5)
    x = rng.integers(0, 2, 4000)
    y = np.where(rng.random(4000) < 0.1, 1 - x, x)
    truth = math.log(2) + 0.1 * math.log(0.1) + 0.9 * math.log(0.9)
    found = bound(steps=300, **SMALL).estimate(x, y)
    assert found.stderr < 0.03
    assert abs(found.value - truth) < 3.5 * found.stderr


def test_classes_that_are_no_scale_and_images():
    """y = x^2 mod 5 of a one-pixel image in noise: neighbouring classes have nothing in common."""
    rng = np.random.default_rng(6)
    x = rng.integers(0, 5, 4000)
    y = x**2 % 5  # 0, 1, 4, 4, 1: H(y) = log 5 - 0.8 log 2
    images = np.zeros((4000, 2, 2, 1))
    images[:, 0, 1, 0] = x
    images[:, 1, 1, 0] = rng.normal(size=4000)
    truth = math.log(5) - 0.8 * math.log(2)
    found = InfoNCE(steps=400, **SMALL).estimate(images, y)
    assert abs(found.value - truth) < 0.05
    assert InfoNCE(steps=300, **SMALL).estimate(x, y).value == pytest.approx(truth, abs=0.03)


def test_five_dimensions_two_of_them_correlated():
    """The sparse 5v5 normal pair: 1.022 nats; a concatenated critic of the two."""
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(2, 6000, 5))
    y[:, :2] = 0.8 * x[:, :2] + 0.6 * y[:, :2]
    found = NWJ(steps=500, hidden=(32, 32), batch=32, learning_rate=3e-3).estimate(x, y)
    assert 0.75 < found.value < 1.022 + 3 * found.stderr


def test_five_dimensions_all_of_them_correlated():
    """The dense 5v5 normal pair, every two of the ten variables correlated by one half: 0.593 nats."""
    cov = 0.5 * np.eye(10) + 0.5
    truth = 0.5 * (2 * np.linalg.slogdet(cov[:5, :5])[1] - np.linalg.slogdet(cov)[1])
    assert truth == pytest.approx(0.593, abs=1e-3)
    z = np.random.default_rng(8).multivariate_normal(np.zeros(10), cov, 6000)
    found = InfoNCE(steps=300, **SMALL).estimate(z[:, :5], z[:, 5:])
    assert truth - 0.1 < found.value < truth + 3 * found.stderr


# --- the three parts -------------------------------------------------------------------------------------------


class Watched(InfoNCE):
    """Remembers which rows went where; row i of x is the number i."""

    def fit(self, x, y, x_hold_out, y_hold_out):
        self.seen.update(fit=set(x[:, 0]), hold_out=set(x_hold_out[:, 0]))
        return super().fit(x, y, x_hold_out, y_hold_out)


def test_the_critic_never_sees_the_evaluation_part(monkeypatch):
    seen, calls = {}, []
    monkeypatch.setattr(Watched, "seen", seen, raising=False)
    scored = variational.FittedCritic.score_blocks
    monkeypatch.setattr(
        variational.FittedCritic,
        "score_blocks",
        lambda self, x, y, block: (calls.append(set(x[:, 0])), scored(self, x, y, block))[1],
    )
    x = np.arange(400.0)
    Watched(**TINY).estimate(x, x)
    (evaluation,) = calls  # looked at once
    assert len(seen["fit"]) + len(seen["hold_out"]) + len(evaluation) == 400
    assert seen["fit"] | seen["hold_out"] | evaluation == set(x)


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_other_evaluation_rows_leave_the_critic_as_it_is(bound):
    rng = np.random.default_rng(9)
    x, y = gaussian_pairs(rng, 400)
    parts = three_parts(400, seed=0)
    changed = y.copy()
    changed[parts.evaluation] += rng.normal(size=len(parts.evaluation))
    assert bound(**TINY).estimate(x, y).value != bound(**TINY).estimate(x, changed).value
    critics = [
        bound(**TINY).fit(*(v[rows, None] for rows in (parts.fit, parts.hold_out) for v in (x, values)))
        for values in (y, changed)
    ]
    for a, b in zip(*(fitted.critic.parameters() for fitted in critics)):
        assert torch.equal(a, b)


def test_memorised_fitting_pairs_are_worth_nothing():
    """A critic far too large for 200 pairs of noise: patience keeps it near the start."""
    x, y = np.random.default_rng(10).normal(size=(2, 400, 10))
    found = InfoNCE(critic="separable", hidden=(64, 64), steps=300, patience=100, batch=64).estimate(x, y)
    assert abs(found.value) < 3 * found.stderr + 0.02


# --- laws ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_the_seed_and_nothing_else_decides(bound):
    x, y = gaussian_pairs(np.random.default_rng(11), 300)
    first = bound(seed=1, **TINY).estimate(x, y)
    torch.rand(5)
    np.random.default_rng().random()
    assert bound(seed=1, **TINY).estimate(x, y) == first
    assert bound(seed=2, **TINY).estimate(x, y).value != first.value


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_the_units_do_not_matter(bound):
    x, y = gaussian_pairs(np.random.default_rng(12), 300)
    first = bound(**TINY).estimate(x, y)
    assert bound(**TINY).estimate(1e4 * x - 7, 1e-3 * y + 5).value == pytest.approx(first.value, abs=1e-3)


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_a_constant_tells_nothing(bound):
    found = bound(**TINY).estimate(np.ones(300), np.random.default_rng(13).normal(size=(300, 2)))
    assert abs(found.value) < 3 * found.stderr + 1e-2


# --- what a reader is told -------------------------------------------------------------------------------------


def test_cautions_of_a_fit():
    fine = Training(best_step=500, best_score=0.4, last_step=900, cut_short=False)
    assert fit_cautions(fine, 0.4, 0.01) == ()
    (short,) = fit_cautions(Training(900, 0.4, 900, True), 0.4, 0.01)
    assert "still rising at step 900" in short
    (nothing,) = fit_cautions(Training(0, 0.0, 700, False), 0.0, 0.01)
    assert "No step of 700" in nothing
    (negative,) = fit_cautions(fine, -0.04, 0.01)
    assert "negative beyond its error" in negative
    assert fit_cautions(fine, -0.02, 0.01) == ()


def test_a_fit_that_had_no_time_says_so():
    x, y = gaussian_pairs(np.random.default_rng(14), 2000)
    found = NWJ(**{**SMALL, "steps": 60}).estimate(x, y)
    assert any("give more steps" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"patience": -1}, "patience is -1"),
        ({"batch": 1}, "batch is 1"),
        ({"critic": "bilinear"}, "critic is 'bilinear': choose one of separable, concatenated"),
        ({"hidden": ()}, "hidden is"),
        ({"hidden": (8, 0)}, "hidden is"),
        ({"learning_rate": 0.0}, "learning_rate is 0"),
    ],
)
@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_settings_that_cannot_run_are_named(bound, changes, named):
    with pytest.raises(UserError, match=named):
        bound(**changes)


def test_bad_samples_are_one_sentence():
    with pytest.raises(UserError, match="x has 300 rows and y 299"):
        InfoNCE().estimate(np.zeros(300), np.zeros(299))
    with pytest.raises(UserError, match="100 pairs are too few"):
        InfoNCE().estimate(np.zeros(100), np.zeros(100))
    with pytest.raises(UserError, match="device is 'toaster'"):
        InfoNCE(device="toaster").estimate(np.zeros(300), np.zeros(300))
