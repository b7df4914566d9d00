import math

import numpy as np
import pytest
import torch

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.mine import MINE
from ib_analysis.information.estimators.smile import SMILE, jensen_shannon_of_batch


def literal(f, clip):
    """Mean of f_ii less the log of the mean over i != j of e^f_ij held between e^-clip and e^clip."""
    n, true, independent = len(f), 0.0, 0.0
    for i in range(n):
        true += f[i, i] / n
        for j in range(n):
            if i != j:
                independent += min(max(math.exp(f[i, j]), math.exp(-clip)), math.exp(clip)) / (n * (n - 1))
    return true - math.log(independent)


def literal_jensen_shannon(f):
    n, total = len(f), 0.0
    for i in range(n):
        for j in range(n):
            if i == j:
                total -= math.log1p(math.exp(-f[i, i])) / n
            else:
                total -= math.log1p(math.exp(f[i, j])) / (n * (n - 1))
    return total


@pytest.mark.parametrize("clip", [0.5, 2.0, 50.0])
def test_the_estimate_literally(clip):
    scores = np.random.default_rng(0).normal(size=(7, 7)) * 3
    assert SMILE(clip=clip).evaluate([scores])[0] == pytest.approx(literal(scores, clip), abs=1e-12)


def test_the_objective_literally():
    scores = np.random.default_rng(1).normal(size=(6, 6)) * 3
    expected = literal_jensen_shannon(scores)
    assert jensen_shannon_of_batch(torch.from_numpy(scores)).item() == pytest.approx(expected, abs=1e-12)
    assert SMILE().hold_out_score([scores]) == pytest.approx(expected, abs=1e-12)


def test_the_step_is_not_chosen_by_the_clipped_number():
    """A critic that scores everything high looks splendid after clipping and is worth nothing."""
    useless = np.full((8, 8), 40.0)
    assert SMILE().evaluate([useless])[0] == pytest.approx(35.0)
    assert SMILE().hold_out_score([useless]) < SMILE().hold_out_score([np.zeros((8, 8))])
    (caution,) = SMILE().cautions(35.0, 0.0, [useless])
    assert "averages to e^5.00" in caution


def test_a_wide_clip_is_donsker_varadhan():
    scores = np.random.default_rng(2).normal(size=(9, 9))
    assert SMILE(clip=100.0).evaluate([scores]) == pytest.approx(MINE().evaluate([scores]))


def test_no_score_overflows():
    scores = np.random.default_rng(3).normal(size=(9, 9)) * 1e5
    assert np.isfinite(SMILE().evaluate([scores])).all()
    assert np.isfinite(SMILE().hold_out_score([scores]))


@pytest.mark.parametrize("clip", [0.0, -1.0, float("nan")])
def test_a_clip_that_is_not_above_0_is_named(clip):
    with pytest.raises(UserError, match="clip is"):
        SMILE(clip=clip)
