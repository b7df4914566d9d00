import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.inference.holm import holm


def literal_rejections(p_values, alpha):
    """Holm's own procedure: go up the sorted p-values and stop at the first that is too large."""
    rejected = set()
    for rank, index in enumerate(np.argsort(p_values)):
        if p_values[index] > alpha / (len(p_values) - rank):
            break
        rejected.add(int(index))
    return rejected


def test_corrected_values_reject_what_the_procedure_rejects():
    rng = np.random.default_rng(0)
    for _ in range(200):
        p_values = rng.beta(0.3, 2.0, rng.integers(1, 12)).tolist()
        corrected = holm(p_values)
        for alpha in (0.01, 0.05, 0.2):
            assert {i for i, p in enumerate(corrected) if p <= alpha} == literal_rejections(p_values, alpha)


def test_false_alarms_in_a_family_are_as_rare_as_in_one_test():
    p_values = np.random.default_rng(1).random((5000, 10))
    p_values[:, :3] *= 1e-4  # three true effects, which must not loosen the other seven
    false = np.mean([min(holm(row)[3:]) <= 0.05 for row in p_values.tolist()])
    assert 0.035 < false < 0.06
    assert np.mean(p_values[:, 3:].min(axis=1) <= 0.05) > 0.25


def test_none_and_one_stay_as_they_are():
    assert holm([]) == ()
    assert holm([0.3]) == (0.3,)


def test_a_wrong_probability_is_named():
    with pytest.raises(UserError, match=r"1\.5 is no probability"):
        holm([0.1, 1.5])
    with pytest.raises(UserError, match="nan is no probability"):
        holm([float("nan")])
