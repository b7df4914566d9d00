"""The two stages of learning along the epochs: fitting (peak less first) and compression (peak less last)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.nats import mean_with_error, per_image

Verdict = Literal["yes", "no", "undecided"]
STANDARD_ERRORS = 2.0
# A change below this share of the information at the peak is called none, if the error is small enough.
NEGLIGIBLE = 0.01


@dataclass(frozen=True)
class Stage:
    """A change of information between two epochs, in nats per image."""

    nats: float
    stderr_nats: float
    verdict: Verdict

    @property
    def p_value(self) -> float:
        """One-sided p-value of "no gain" (normal); what a correction for many taps starts from."""
        if self.stderr_nats == 0.0:
            return 0.0 if self.nats > 0.0 else 1.0
        return float(stats.norm.sf(self.nats / self.stderr_nats))


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
    """Fitting gain I(peak) - I(first) and compression I(peak) - I(last), cross-fitted.

    Per image the information at epoch e is i_e = -log q(x) + log q_e(x | h_e), and a gain is the mean of
    paired differences i_peak - i_first (the unconditional decoder cancels). The peak is the maximum of
    noisy means: choosing it and measuring it on the same images would find a gain in pure noise. Therefore
    the images are halved at random; the peak is chosen on one half and the gains are measured on the other,
    both ways; the value is the mean of the two, and its standard error sqrt(se_1^2 + se_2^2) / 2 (each
    half's value rests on its own images). Where a half chooses an epoch that is not the true peak the gain
    comes out too small, never too large: the error is on the side of "no". A half that chooses the first
    (last) epoch itself contributes a gain of exactly 0 with error 0.

    Verdicts at two standard errors, one tap at a time (several taps want a correction: `Stage.p_value`):
    "yes", the gain exceeds two standard errors; "no", both halves have their peak at that end, or gain plus
    two standard errors stays below 1 % of the information at the peak; fitting is otherwise "no" as well
    (a gain that was not shown), compression "undecided".

    Args:
        nats_marginal: -log q(x_i) (or, for labels, `label_nats`), shape (images,).
        nats_conditional: for each epoch -log q_e(x_i | h_i), same images, same order.
        epochs: increasing, at least two.
        seed: of the halving.

    Raises:
        UserError: arrays that do not belong together, or fewer than two epochs.
    """
    i = _information_by_epoch(nats_marginal, nats_conditional, epochs)
    order = np.random.default_rng(seed).permutation(i.shape[1])
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    choices = tuple(int(np.argmax(i[:, half].mean(axis=1))) for half in halves)
    judged = [(choices[0], halves[1]), (choices[1], halves[0])]
    peak = int(np.argmax(i.mean(axis=1)))
    peak_nats = float(np.mean([i[choice][half].mean() for choice, half in judged]))
    first, last = _gain(i, judged, 0), _gain(i, judged, len(epochs) - 1)
    return TwoStages(
        first_epoch=epochs[0],
        peak_epoch=epochs[peak],
        last_epoch=epochs[-1],
        peak_epochs=(epochs[choices[0]], epochs[choices[1]]),
        peak_nats=peak_nats,
        n=i.shape[1],
        fitting=Stage(*first, "yes" if _verdict(*first, peak_nats) == "yes" else "no"),
        compression=Stage(*last, _verdict(*last, peak_nats)),
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


def _gain(
    i: NDArray[np.float64], judged: Sequence[tuple[int, NDArray[np.int64]]], end: int
) -> tuple[float, float]:
    """Mean over the two halves of i_peak - i_end, and its standard error."""
    gains = [mean_with_error(i[peak][half] - i[end][half]) for peak, half in judged]
    (a, se_a), (b, se_b) = gains
    return (a + b) / 2.0, float(np.hypot(se_a, se_b)) / 2.0


def _verdict(nats: float, stderr_nats: float, peak_nats: float) -> Verdict:
    margin = STANDARD_ERRORS * stderr_nats
    if nats > margin:
        return "yes"
    if nats + margin <= NEGLIGIBLE * max(peak_nats, 0.0):
        return "no"
    return "undecided"
