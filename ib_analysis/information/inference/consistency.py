"""Consistency tests of an information estimator where the truth is unknown.

Song & Ermon 2020 ("Understanding the limitations of variational mutual information estimators", arXiv 1910.06222)
test estimators where no truth is known: h_t is the image with its top t rows kept, and

- independence: I(x; h_0) = 0, and I(x; h_t of another image) = 0;
- monotonicity: I(x; h_t) never falls with t;
- symmetry (added here): I(h_t; x) = I(x; h_t), whichever of the two is predicted from the other;
- data processing: I(x; [h_t, h_{t-k}]) / I(x; h_t) = 1, for h_{t-k} is a function of h_t;
- additivity: I([x_1, x_2]; [h_1, h_2]) / I(x; h) = 2 for two independent images.

Each becomes one statistic with a standard error, and a verdict by a test of equivalence: "consistent" only where the
statistic is shown to lie within the margin, "not" where it is shown to lie outside or where what it is a ratio to is
not surely above 0.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ib_analysis.information.inference.bootstrap import bootstrap_ratio
from ib_analysis.information.inference.equivalence import equivalence, no_fall
from ib_analysis.information.measurement.nats import mean_with_error

ConsistencyTest = Literal["independence", "monotonicity", "symmetry", "data processing", "additivity"]
ConsistencyVerdict = Literal["consistent", "not", "undecided"]
TESTS: tuple[ConsistencyTest, ...] = get_args(ConsistencyTest)
EXPECTED: dict[ConsistencyTest, float] = {
    "independence": 0.0,
    "monotonicity": 0.0,
    "symmetry": 1.0,
    "data processing": 1.0,
    "additivity": 2.0,
}
# Tolerance, as a fraction of I(x;x), for spurious information and for drops.
NOTHING = 0.02
# Tolerance of a ratio, as a fraction of its expected value.
TOLERANCE = 0.10


@dataclass(frozen=True)
class Measured:
    """One information in nats with its standard error over n images; `images` holds each image's share, if known."""

    nats: float
    stderr_nats: float
    n: int
    images: NDArray[np.float64] | None = None

    @classmethod
    def of_images(cls, contributions: NDArray[np.float64]) -> "Measured":
        """The mean over images of what each contributes."""
        return cls(*mean_with_error(contributions), len(contributions), contributions)


@dataclass(frozen=True)
class Judged:
    """A statistic, what it should be, the p-value of the test of equivalence, and the verdict."""

    statistic: float | None
    stderr: float | None
    expected: float
    margin: float
    p_value: float | None
    verdict: ConsistencyVerdict


def ratio(numerator: Measured, denominator: Measured) -> tuple[float, float] | None:
    """numerator / denominator with its standard error; None where the denominator is not surely positive.

    Where both are means over the same images these are redrawn together (`bootstrap_ratio`); else the delta method
    for independent errors: stderr = sqrt(s_a^2 + r^2 s_b^2) / b.

    >>> ratio(Measured(2.0, 0.3, 50), Measured(1.0, 0.2, 50))
    (2.0, 0.5)
    """
    a, b = numerator, denominator
    if b.nats <= 3.0 * b.stderr_nats:
        return None
    if a.images is not None and b.images is not None and len(a.images) == len(b.images):
        return bootstrap_ratio(a.images, b.images)
    found = a.nats / b.nats
    return found, math.hypot(a.stderr_nats, found * b.stderr_nats) / b.nats


def judge(test: ConsistencyTest, measured: Measured, reference: Measured) -> Judged:
    """The verdict on one ratio, by two one-sided tests of 5 %; on `monotonicity` see `judge_step`.

    Args:
        test: what is tested; it says what the ratio should be.
        measured: what is tested.
        reference: I(x; all rows) for independence, I(x; h) else.
    """
    expected = EXPECTED[test]
    margin = TOLERANCE * expected if expected else NOTHING
    found = ratio(measured, reference)
    if found is None:
        return Judged(None, None, expected, margin, None, "not")
    tested = equivalence(found[0] - expected, found[1], min(measured.n, reference.n), margin=margin)
    return Judged(*found, expected, margin, tested.p_value, VERDICTS[tested.verdict])


VERDICTS: dict[str, ConsistencyVerdict] = {
    "no change": "consistent",
    "change": "not",
    "undecided": "undecided",
}


def judge_step(fewer: Measured, more: Measured, whole: Measured) -> Judged:
    """Whether information falls as rows are added: the step as a share of I(x; all rows), one-sided.

    Args:
        fewer: I(x; h_t).
        more: I(x; h_t') with t' > t.
        whole: I(x; all rows).
    """
    if whole.nats <= 3.0 * whole.stderr_nats:
        return Judged(None, None, 0.0, NOTHING, None, "not")
    if fewer.images is not None and more.images is not None:
        step, stderr = mean_with_error(more.images - fewer.images)
    else:
        step, stderr = more.nats - fewer.nats, math.hypot(more.stderr_nats, fewer.stderr_nats)
    share, error = step / whole.nats, stderr / whole.nats
    tested = no_fall(share, error, min(fewer.n, more.n), margin=NOTHING)
    return Judged(share, error, 0.0, NOTHING, tested.p_value, VERDICTS[tested.verdict])


def overall(verdicts: list[ConsistencyVerdict]) -> ConsistencyVerdict:
    """Of several statistics of one test: one that fails, fails it; one that is undecided leaves it undecided.

    >>> overall(["consistent", "undecided"]), overall(["undecided", "not"]), overall(["consistent"])
    ('undecided', 'not', 'consistent')
    """
    for verdict in ("not", "undecided"):
        if verdict in verdicts:
            return verdict
    return "consistent"
