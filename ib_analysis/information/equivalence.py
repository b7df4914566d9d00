"""Was there no change? The test that can say yes: absence of evidence is not taken for evidence of absence."""

from dataclasses import dataclass
from typing import Literal

from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.confidence_interval import check_level

ALPHA = 0.05


@dataclass(frozen=True)
class Equivalence:
    """Whether a change stays within +-margin.

    `p_value` is that of "the change reaches the margin". `verdict` is "no change" where that is rejected,
    "change" where the change is shown to exceed the margin, and "undecided" otherwise.
    """

    nats: float
    stderr_nats: float
    margin_nats: float
    p_value: float
    verdict: Literal["no change", "change", "undecided"]


def equivalence(
    nats: float, stderr_nats: float, n: int, *, margin_nats: float, alpha: float = ALPHA
) -> Equivalence:
    """Two one-sided tests (TOST): |change| >= margin is rejected where both its sides are.

    p = max(P(t >= (d + m) / s), P(t <= (d - m) / s)) with d the change, s its standard error, m the margin and t
    Student's of n - 1 degrees of freedom (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15,
    657). p <= alpha exactly where the interval of level 1 - 2 alpha lies within (-m, m), and "change" is said
    where that interval lies outside it.

    Args:
        nats: the change, a mean of paired differences over images.
        stderr_nats: its standard error; 0 says that it is exact.
        n: images.
        margin_nats: the smallest change that would matter; to be chosen before looking.
        alpha: of each one-sided test.

    Raises:
        UserError: a margin that is not positive, fewer than two images, or an alpha outside (0, 1).

    >>> found = equivalence(0.0, 1.0, 10_000, margin_nats=3.0)
    >>> round(found.p_value, 4), found.verdict
    (0.0014, 'no change')
    >>> equivalence(0.0, 1.0, 10_000, margin_nats=1.0).verdict
    'undecided'
    """
    check_level(1.0 - alpha)
    if not margin_nats > 0.0:
        raise UserError(
            f"margin_nats: {margin_nats:g} leaves no room for equivalence; choose a positive margin."
        )
    if n < 2 or stderr_nats < 0.0:
        raise UserError(
            f"n: {n} images with standard error {stderr_nats:g} cannot be tested; evaluate two or more."
        )
    p_value = max(_tail(nats + margin_nats, stderr_nats, n), _tail(margin_nats - nats, stderr_nats, n))
    p_change = _tail(abs(nats) - margin_nats, stderr_nats, n)
    verdict: Literal["no change", "change", "undecided"] = (
        "no change" if p_value <= alpha else "change" if p_change <= alpha else "undecided"
    )
    return Equivalence(nats, stderr_nats, margin_nats, p_value, verdict)


def _tail(distance: float, stderr: float, n: int) -> float:
    """P(t >= distance / stderr); without error all or nothing."""
    if stderr == 0.0:
        return 0.0 if distance > 0.0 else 1.0
    return float(stats.t.sf(distance / stderr, n - 1))
