"""Holm's correction of p-values for several tests at once."""

from collections.abc import Sequence

import numpy as np

from ib_analysis.errors import UserError


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Corrected p-values: with p_(1) <= ... <= p_(m), max over j <= i of min(1, (m - j + 1) p_(j)).

    Rejecting where the corrected value is at most alpha keeps the probability of any false rejection at or below
    alpha, whatever the dependence between the tests (Holm 1979), and rejects whatever Bonferroni rejects.

    Args:
        p_values: one a test, in any order; the corrected ones come back in that order.

    Raises:
        UserError: a value outside [0, 1].

    >>> holm([0.01, 0.04, 0.03, 0.005])
    (0.03, 0.06, 0.06, 0.02)
    """
    p = np.asarray(p_values, dtype=np.float64)
    wrong = [float(value) for value in p if not 0.0 <= value <= 1.0]
    if wrong:
        raise UserError(f"p_values: {wrong[0]:g} is no probability; give values between 0 and 1.")
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return tuple(corrected.tolist())
