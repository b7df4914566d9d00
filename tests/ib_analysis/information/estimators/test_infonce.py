import math

import numpy as np
import pytest
import torch

from ib_analysis.information.estimators.infonce import InfoNCE, infonce_of_batch


def literal(f):
    """Mean over i of f_ii - log of the mean over j of e^f_ij."""
    total = 0.0
    for i in range(len(f)):
        mean = 0.0
        for j in range(len(f)):
            mean += math.exp(f[i, j]) / len(f)
        total += f[i, i] - math.log(mean)
    return total / len(f)


@pytest.mark.parametrize("size", [2, 7])
def test_the_bound_literally(size):
    scores = np.random.default_rng(size).normal(size=(size, size)) * 2
    assert infonce_of_batch(torch.from_numpy(scores)).item() == pytest.approx(literal(scores), abs=1e-12)
    assert InfoNCE().evaluate([scores])[0] == pytest.approx(literal(scores), abs=1e-12)


def test_blocks_count_by_their_rows():
    a, b = (np.random.default_rng(n).normal(size=(n, n)) for n in (4, 6))
    assert InfoNCE().evaluate([a, b])[0] == pytest.approx((4 * literal(a) + 6 * literal(b)) / 10)


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0, 3000.0])
def test_it_is_never_above_the_logarithm_of_the_block(scale):
    for seed in range(20):
        scores = np.random.default_rng(seed).normal(size=(9, 9)) * scale + np.eye(9) * scale
        assert InfoNCE().evaluate([scores])[0] <= math.log(9) + 1e-12
        assert infonce_of_batch(torch.from_numpy(scores)).item() <= math.log(9) + 1e-12


def test_where_every_row_finds_its_partner_it_is_the_ceiling_and_says_so():
    scores = np.eye(20) * 500.0
    value, stderr = InfoNCE().evaluate([scores])
    assert (value, stderr) == (pytest.approx(math.log(20)), pytest.approx(0.0, abs=1e-12))
    (caution,) = InfoNCE().cautions(value, stderr, [scores])
    assert "cannot exceed log of its block, here 3.00 nats" in caution
    assert InfoNCE().cautions(math.log(20) - 2.1, stderr, [scores]) == ()


def test_a_fit_on_far_more_information_than_the_ceiling():
    """x = y in ten dimensions: infinite; the 100 evaluation pairs let it say log 100."""
    x = np.random.default_rng(0).normal(size=(400, 10))
    found = InfoNCE(critic="separable", hidden=(32,), batch=64, steps=300, learning_rate=3e-3).estimate(x, x)
    assert 3.0 < found.value <= math.log(100)
    assert any("cannot exceed" in warning for warning in found.warnings)


def test_how_much_is_lost_where_the_warning_begins():
    """The best critic of correlated normal pairs, 256 rows a block: what is lost grows as the comment says."""
    rng, rho = np.random.default_rng(1), 0.9
    for dimensions, warned, least, most in ((2, False, 0.0, 0.05), (5, True, 0.3, 0.6), (7, True, 0.8, 1.5)):
        x = rng.normal(size=(16, 256, dimensions))
        y = rho * x + math.sqrt(1 - rho**2) * rng.normal(size=x.shape)
        truth = -0.5 * dimensions * math.log(1 - rho**2)
        a, b = x[:, :, None], y[:, None]
        blocks = list(truth - ((rho**2 * (a**2 + b**2) - 2 * rho * a * b) / (2 * (1 - rho**2))).sum(-1))
        value, stderr = InfoNCE().evaluate(blocks)
        # The mean score of the true pairs is the truth with the error that both have in common.
        lost = np.mean([scores.diagonal().mean() for scores in blocks]) - value
        assert bool(InfoNCE().cautions(value, stderr, blocks)) == warned
        assert least < lost < most
