"""Controls of a point: the number where its true value is known, or its change under a changed setting."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ib_analysis.information.inference.equivalence import Equivalence, equivalence
from ib_analysis.information.inference.fit_checks import SURE, reconstructs
from ib_analysis.information.measurement.nats import mean_with_error, per_image
from ib_analysis.units import bits

ControlVerdict = Literal["passes", "fails", "shown"]
STANDARD_ERRORS = 3.0
# Tolerances as fractions of the point's information: for a shuffled h, and for a changed setting.
NEGLIGIBLE = 0.01
STABLE = 0.10


@dataclass(frozen=True)
class Checked:
    """One number of a control in nats per image, the point it belongs to, and the verdict.

    A change that is not significant passes. `equivalence`, where given, states whether the change is shown to lie
    within the margin of the rule.
    """

    nats: float
    stderr_nats: float
    point_nats: float
    change_nats: float
    change_stderr_nats: float
    verdict: ControlVerdict
    rule: str
    n: int
    equivalence: Equivalence | None = None


def must_vanish(marginal: ArrayLike, conditional: ArrayLike, point_nats: float) -> Checked:
    """Information in an h that belongs to another image; the truth is 0.

    Args:
        marginal: -log q(x_i), shape (images,).
        conditional: -log q(x_i | h_j), h_j of another image, shape (images,).
        point_nats: what is claimed of the true h.
    """
    a = per_image(marginal, "nats of the marginal decoder")
    value, stderr = mean_with_error(a - per_image(conditional, "nats of the control", len(a)))
    passes = abs(value) <= max(STANDARD_ERRORS * stderr, NEGLIGIBLE * abs(point_nats))
    rule = f"0 within {STANDARD_ERRORS:g} standard errors or {NEGLIGIBLE:.0%} of the point"
    verdict: ControlVerdict = "passes" if passes else "fails"
    within = _within(value, stderr, len(a), NEGLIGIBLE * abs(point_nats))
    return Checked(value, stderr, point_nats, value, stderr, verdict, rule, len(a), within)


def must_explain(marginal: ArrayLike, conditional: ArrayLike, smallest_claim: float) -> Checked:
    """CE(x | h) where h is the image itself; the truth is 0, and what is left is the decoder's own.

    Args:
        marginal: -log q(x_i), shape (images,).
        conditional: -log q(x_i | x_i), shape (images,).
        smallest_claim: the smallest information that the experiment tells from 0, in nats.
    """
    a = per_image(marginal, "nats of the marginal decoder")
    b = per_image(conditional, "nats of the identity", len(a))
    (value, stderr), whole = mean_with_error(b), float(a.mean())
    change, change_stderr = mean_with_error(b - a)
    claim = f"{bits(smallest_claim):.1f} bits"
    rule = f"below {claim}, the smallest information that is told from 0, by {SURE:g} standard errors"
    verdict: ControlVerdict = "passes" if reconstructs(value, stderr, smallest_claim) else "fails"
    if not math.isfinite(smallest_claim):
        verdict, rule = "shown", "no information of the experiment is told from 0, so nothing is judged"
    return Checked(value, stderr, whole, change, change_stderr, verdict, rule, len(a))


def must_stay(information: ArrayLike, point: ArrayLike) -> Checked:
    """Information with a setting changed, against the point itself, both per image: their paired difference.

    Args:
        information: -log q'(x_i) + log q'(x_i | h_i) of the control's decoders, shape (images,).
        point: the same of the point's own decoders.
    """
    own = per_image(point, "information of the point")
    other = per_image(information, "information of the control", len(own))
    (value, stderr), (change, change_stderr) = mean_with_error(other), mean_with_error(other - own)
    claimed = float(own.mean())
    passes = abs(change) <= max(STANDARD_ERRORS * change_stderr, STABLE * abs(claimed))
    rule = f"moves by at most {STABLE:.0%} or {STANDARD_ERRORS:g} standard errors"
    verdict: ControlVerdict = "passes" if passes else "fails"
    within = _within(change, change_stderr, len(own), STABLE * abs(claimed))
    return Checked(value, stderr, claimed, change, change_stderr, verdict, rule, len(own), within)


def _within(change: float, stderr: float, n: int, margin: float) -> Equivalence | None:
    """Whether the change is shown to be smaller than the margin; a point of no information has none."""
    return equivalence(change, stderr, n, margin=margin) if margin > 0.0 else None


def only_shown(information: ArrayLike) -> Checked:
    """The untrained network: not a test, but what any trained point is to be compared with."""
    own = per_image(information, "information of the point")
    value, stderr = mean_with_error(own)
    return Checked(value, stderr, value, 0.0, 0.0, "shown", "the network before training", len(own))


@dataclass(frozen=True)
class Ranking:
    """Kendall's tau between the points of a measurement and the same points under a control."""

    tau: float
    points: int

    @property
    def holds(self) -> bool:
        """Whether at most one pair in twenty changes its order: tau >= 0.9."""
        return self.tau >= 0.9


def ranking(points: Sequence[float], controls: Sequence[float]) -> Ranking | None:
    """How well the order of taps and epochs survives; None for fewer than three points.

    >>> ranking([1.0, 2.0, 3.0], [10.0, 20.0, 30.0])
    Ranking(tau=1.0, points=3)
    """
    if len(points) < 3:
        return None
    tau = float(stats.kendalltau(np.asarray(points), np.asarray(controls)).statistic)
    return None if math.isnan(tau) else Ranking(round(tau, 12), len(points))


def worst(verdicts: Iterable[ControlVerdict]) -> ControlVerdict:
    """The verdict of several tests of one point: it fails where one fails.

    >>> worst(["shown", "passes", "fails"]), worst(["shown", "passes"]), worst([])
    ('fails', 'passes', 'shown')
    """
    found = set(verdicts)
    return "fails" if "fails" in found else "passes" if "passes" in found else "shown"
