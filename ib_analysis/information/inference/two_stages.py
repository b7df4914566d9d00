"""The two stages of learning along the epochs: fitting (peak less first) and compression (peak less last)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import LEVEL, student_quantile
from ib_analysis.information.inference.equivalence import Equivalence, no_fall
from ib_analysis.information.inference.simultaneous_bands import max_t_draws, max_t_p_value, means_with_errors
from ib_analysis.information.measurement.nats import mean_with_error, per_image

StageVerdict = Literal["yes", "no", "undecided"]
# A gain is looked for in one direction: 2.5 %, which is what a 95 % interval leaves on that side.
ALPHA = (1.0 - LEVEL) / 2.0
# A change below this share of the information at the peak is called none, if it is surely below.
NEGLIGIBLE = 0.01
# The margin where no information was found at all: nothing is negligible then.
SMALLEST_MARGIN_NATS = 1e-9


@dataclass(frozen=True)
class Stage:
    """A gain of information from an end of training to the peak, in nats per image.

    `nats` and `stderr_nats` are cross-fitted; `low_nats` to `high_nats` is a 95 % interval of the true gain, which
    is never negative; `p_value` is one-sided, of "no epoch exceeds that end", for this tap alone. `equivalence` is
    the test of the other claim, that there is no gain: its p-value is that of "some epoch exceeds that end by the
    margin", 1 % of the information at the peak.
    """

    nats: float
    stderr_nats: float
    low_nats: float
    high_nats: float
    p_value: float
    equivalence: Equivalence

    @property
    def verdict(self) -> StageVerdict:
        """The verdict at this tap alone."""
        return self.verdict_at(self.p_value)

    def verdict_at(self, p_value: float) -> StageVerdict:
        """The verdict by a p-value, which may be corrected for many tests.

        "yes", p is at most 2.5 %; "no", not so and the test of equivalence says "no change" (2.5 %): the gain is
        surely below 1 % of the information at the peak; "undecided" otherwise: nothing was shown, neither a gain
        nor that there is none.
        """
        if p_value <= ALPHA:
            return "yes"
        return "no" if self.equivalence.verdict == "no change" else "undecided"


@dataclass(frozen=True)
class TwoStages:
    """Fitting gain and compression of one tap, and the epochs between which they were found.

    `peak_epoch` is the peak on all images; `peak_epochs` the peak on each half, from which the gains come.
    """

    first_epoch: int
    peak_epoch: int
    last_epoch: int
    peak_epochs: tuple[int, int]
    peak_nats: float
    n: int
    fitting: Stage
    compression: Stage


def two_stages(
    nats_marginal: ArrayLike, nats_conditional: Sequence[ArrayLike], epochs: Sequence[int], *, seed: int = 0
) -> TwoStages:
    """Fitting gain I(peak) - I(first) and compression I(peak) - I(last), with intervals and tests.

    Per image the information at epoch e is i_e = -log q(x) + log q_e(x | h_e), and a gain is the mean of
    paired differences d_e = i_e - i_end (the unconditional decoder cancels) at the peak. The peak is the maximum
    of noisy means: choosing it and measuring it on the same images would find a gain in pure noise.

    Value. The images are halved at random; the peak is chosen on one half and the gain is measured on the other,
    both ways; the value is the mean of the two, and its standard error sqrt(se_1^2 + se_2^2) / 2 (each half's
    value rests on its own images). Where a half chooses an epoch that is not the true peak the gain
    comes out too small, never too large: the error is on the side of "no". A half that chooses the end
    itself contributes a gain of exactly 0 with error 0.

    Test. The two halves are not independent, since each chooses where the other is judged: on a flat curve
    value / stderr exceeds the 5 % point of the normal law in up to 10 % of all cases. The p-value is therefore
    that of max_e t_e over all epochs but the end, on all images, with t_e = mean d_e / se_e: it knows that the
    peak was sought (`simultaneous_bands.max_t_p_value`; step one of Chernozhukov, Chetverikov & Kato 2019, Review
    of Economic Studies 86, 1867, for many moment inequalities).

    Interval of the true gain G = max_e E d_e >= 0 (the end itself is among the epochs), 2.5 % on each side:
    low = max_e (d_e - c se_e), with c the 97.5 % quantile of max_e t_e, for then all E d_e lie above with that
    probability; high = max_e (d_e + t se_e), with Student's t alone, for it is enough that the true peak lies
    below its own. Both are at least 0. low > 0 exactly where p <= 2.5 %, up to the simulation of max t.

    Verdicts are of one tap at a time (`Stage.verdict_at`); several taps want corrected p-values (`holm`).

    Args:
        nats_marginal: -log q(x_i) (or, for labels, `label_nats`), shape (images,).
        nats_conditional: for each epoch -log q_e(x_i | h_i), same images, same order.
        epochs: increasing, at least two.
        seed: of the halving and of the simulation of max t.

    Raises:
        UserError: arrays that do not belong together, or fewer than two epochs.
    """
    i = _information_by_epoch(nats_marginal, nats_conditional, epochs)
    order = np.random.default_rng(seed).permutation(i.shape[1])
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    choices = tuple(int(np.argmax(i[:, half].mean(axis=1))) for half in halves)
    judged = [(choices[0], halves[1]), (choices[1], halves[0])]
    peak_nats = float(np.mean([i[choice][half].mean() for choice, half in judged]))
    return TwoStages(
        first_epoch=epochs[0],
        peak_epoch=epochs[int(np.argmax(i.mean(axis=1)))],
        last_epoch=epochs[-1],
        peak_epochs=(epochs[choices[0]], epochs[choices[1]]),
        peak_nats=peak_nats,
        n=i.shape[1],
        fitting=_stage(i, judged, 0, peak_nats, seed),
        compression=_stage(i, judged, len(epochs) - 1, peak_nats, seed),
    )


def _information_by_epoch(
    nats_marginal: ArrayLike, nats_conditional: Sequence[ArrayLike], epochs: Sequence[int]
) -> NDArray[np.float64]:
    """i_e of each image, shape (epochs, images)."""
    if len(epochs) < 2 or list(epochs) != sorted(set(epochs)):
        raise UserError(f"epochs {list(epochs)} cannot show two stages: name at least two, increasing.")
    if len(nats_conditional) != len(epochs):
        raise UserError(f"{len(epochs)} epochs but nats of {len(nats_conditional)}: evaluate every epoch.")
    marginal = per_image(nats_marginal, "nats of the marginal")
    if len(marginal) < 4:
        raise UserError(
            f"{len(marginal)} images cannot be halved for the two stages: evaluate at least four."
        )
    rows = [
        per_image(nats, f"nats of the conditional decoder at epoch {epoch}", len(marginal))
        for epoch, nats in zip(epochs, nats_conditional, strict=True)
    ]
    return marginal - np.stack(rows)


def _stage(
    i: NDArray[np.float64],
    judged: Sequence[tuple[int, NDArray[np.int64]]],
    end: int,
    peak_nats: float,
    seed: int,
) -> Stage:
    """The gain from one end to the peak: cross-fitted value, interval and test."""
    value, stderr = _cross_fitted(i, judged, end)
    differences = np.delete(i, end, axis=0) - i[end]
    nats, errors = means_with_errors(differences)
    largest = max_t_draws(differences, absolute=False, seed=seed)
    critical = np.quantile(largest, 1.0 - ALPHA)
    highs = nats + student_quantile(LEVEL, i.shape[1]) * errors
    low = max(0.0, float((nats - critical * errors).max()))
    margin = max(NEGLIGIBLE * peak_nats, SMALLEST_MARGIN_NATS)
    return Stage(
        nats=value,
        stderr_nats=stderr,
        low_nats=low,
        high_nats=max(0.0, float(highs.max())),
        p_value=max_t_p_value(differences, largest),
        equivalence=_equivalence(nats, errors, i.shape[1], margin, low),
    )


def _equivalence(
    nats: NDArray[np.float64], errors: NDArray[np.float64], n: int, margin: float, low: float
) -> Equivalence:
    """No epoch exceeds the end by the margin: every epoch's test must say so, at the largest of their p-values.

    An intersection of tests needs no correction (Berger 1982, Technometrics 24, 295). "change" goes by the lower end
    of the gain's own interval, which knows that the peak was sought.
    """
    tests = [no_fall(-d, s, n, margin=margin, alpha=ALPHA) for d, s in zip(nats.tolist(), errors.tolist())]
    worst = max(tests, key=lambda test: (test.p_value, -test.change))
    if worst.verdict == "no change":
        return replace(worst, change=-worst.change)
    return replace(worst, change=-worst.change, verdict="change" if low > margin else "undecided")


def _cross_fitted(
    i: NDArray[np.float64], judged: Sequence[tuple[int, NDArray[np.int64]]], end: int
) -> tuple[float, float]:
    """Mean over the two halves of i_peak - i_end, and its standard error."""
    gains = [mean_with_error(i[peak][half] - i[end][half]) for peak, half in judged]
    (a, se_a), (b, se_b) = gains
    return (a + b) / 2.0, float(np.hypot(se_a, se_b)) / 2.0
