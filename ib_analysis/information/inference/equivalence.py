"""Tests of equivalence: they can show that a change is negligible, which a test of no change cannot."""

from dataclasses import dataclass
from typing import Literal

from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import check_level

ALPHA = 0.05
EquivalenceVerdict = Literal["no change", "change", "undecided"]


@dataclass(frozen=True)
class Equivalence:
    """Whether a change stays within +-margin, all in one unit of the caller's (nats, or a ratio without unit).

    `p_value` is that of "the change reaches the margin". `verdict` is "no change" where that is rejected,
    "change" where the change is shown to exceed the margin, and "undecided" otherwise.
    """

    change: float
    stderr: float
    margin: float
    p_value: float
    verdict: EquivalenceVerdict


def equivalence(change: float, stderr: float, n: int, *, margin: float, alpha: float = ALPHA) -> Equivalence:
    """Two one-sided tests (TOST): |change| >= margin is rejected where both its sides are.

    p = max(P(t >= (d + m) / s), P(t <= (d - m) / s)) with d the change, s its standard error, m the margin and t
    Student's of n - 1 degrees of freedom (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15,
    657). p <= alpha exactly where the interval of level 1 - 2 alpha lies within (-m, m), and "change" is said
    where that interval lies outside it.

    Args:
        change: a mean of paired differences over images, or a function of such means.
        stderr: its standard error; 0 says that it is exact.
        n: images.
        margin: the smallest change that would matter; to be chosen before looking.
        alpha: of each one-sided test.

    Raises:
        UserError: a margin that is not positive, fewer than two images, or an alpha outside (0, 1).

    >>> found = equivalence(0.0, 1.0, 10_000, margin=3.0)
    >>> round(found.p_value, 4), found.verdict
    (0.0014, 'no change')
    >>> equivalence(0.0, 1.0, 10_000, margin=1.0).verdict
    'undecided'
    """
    _check(stderr, n, margin, alpha)
    p_value = max(_tail(change + margin, stderr, n), _tail(margin - change, stderr, n))
    p_change = _tail(abs(change) - margin, stderr, n)
    return Equivalence(change, stderr, margin, p_value, _verdict(p_value, p_change, alpha))


def no_fall(change: float, stderr: float, n: int, *, margin: float, alpha: float = ALPHA) -> Equivalence:
    """One side of it: a fall of the margin or more is rejected; a rise, however large, is no change here.

    "change" says that the fall is shown to exceed the margin. Arguments and errors are those of `equivalence`.

    >>> no_fall(50.0, 1.0, 100, margin=1.0).verdict, no_fall(-50.0, 1.0, 100, margin=1.0).verdict
    ('no change', 'change')
    """
    _check(stderr, n, margin, alpha)
    p_value, p_change = _tail(change + margin, stderr, n), _tail(-change - margin, stderr, n)
    return Equivalence(change, stderr, margin, p_value, _verdict(p_value, p_change, alpha))


def _check(stderr: float, n: int, margin: float, alpha: float) -> None:
    check_level(1.0 - alpha)
    if not margin > 0.0:
        raise UserError(f"margin: {margin:g} leaves no room for equivalence; choose a positive margin.")
    if n < 2 or stderr < 0.0:
        raise UserError(
            f"n: {n} images with standard error {stderr:g} cannot be tested; evaluate two or more."
        )


def _verdict(p_value: float, p_change: float, alpha: float) -> EquivalenceVerdict:
    return "no change" if p_value <= alpha else "change" if p_change <= alpha else "undecided"


def _tail(distance: float, stderr: float, n: int) -> float:
    """P(t >= distance / stderr); without error all or nothing."""
    if stderr == 0.0:
        return 0.0 if distance > 0.0 else 1.0
    return float(stats.t.sf(distance / stderr, n - 1))
