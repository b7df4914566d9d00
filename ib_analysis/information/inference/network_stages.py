"""The two stages of learning over networks: fitting (peak less first epoch) and compression (peak less last)."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import LEVEL
from ib_analysis.information.inference.holm import holm
from ib_analysis.information.inference.repeated_fits import FitSpread, moderated_variances, satterthwaite

Values = NDArray[np.float64]
Key = TypeVar("Key", bound=Hashable)
Verdict = Literal["yes", "no", "undecided"]
# A gain is looked for in one direction: 2.5 %, which is what a 95 % interval leaves on that side.
ALPHA = (1.0 - LEVEL) / 2.0
# A change below this share of the information at the peak is called none.
NEGLIGIBLE = 0.01
# The margin where no information was found at all: nothing is negligible then.
SMALLEST_MARGIN_NATS = 1e-9
DRAWS = 20_000


@dataclass(frozen=True)
class Curves:
    """Information along the epochs at one tap, of every network of one architecture and regime.

    `networks` holds for each network the nats per image -log q(x) + log q_e(x | h_e), shape (fits, epochs, images).
    The images are the same for all fits and epochs.
    """

    epochs: tuple[int, ...]
    networks: tuple[Values, ...]


@dataclass(frozen=True)
class Stage:
    """A gain of information from one end of training to the peak, in nats per image, with its verdict.

    `low_nats` to `high_nats` is a 95 % interval of the true gain, which is never negative; `p_value` is one-sided, of
    "no epoch exceeds that end", and `p_holm` the same corrected for all tests of the experiment. `spread_nats` is by
    how much fits of one network differ in this gain (one standard deviation), None where each was fitted once;
    `margin_nats` is 1 % of the information at the peak.
    """

    nats: float
    stderr_nats: float
    low_nats: float
    high_nats: float
    p_value: float
    p_holm: float
    spread_nats: float | None
    margin_nats: float
    networks: int
    fits: int

    @property
    def verdict(self) -> Verdict:
        """Whether there is a gain, over networks or, of a single network, over its fits.

        "yes": the corrected p-value is at most 2.5 %, and the gain exceeds both the spread of fits and the margin. A
        single network that was fitted once has no known error over fits, and no "yes". "no": the interval lies below
        the margin. "undecided" otherwise: neither a gain was shown nor that there is none.
        """
        if self.networks == 1 and self.spread_nats is None:
            return "undecided"
        return verdict_of(self.nats, self.high_nats, self.p_holm, self.spread_nats, self.margin_nats)

    @property
    def scope(self) -> str:
        """What the verdict speaks of."""
        return "this network, these fits" if self.networks == 1 else f"{self.networks} networks"


def verdict_of(nats: float, high: float, p_holm: float, spread: float | None, margin: float) -> Verdict:
    """The rule of every verdict on a gain whose errors are known; all but `p_holm` in nats per image."""
    if nats > max(spread or 0.0, margin) and p_holm <= ALPHA:
        return "yes"
    return "no" if high < margin else "undecided"


@dataclass(frozen=True)
class NetworkStages:
    """Fitting gain and compression of one tap, and the epochs between which they were found.

    `peak_epoch` is the peak of the mean over networks; the gains of several networks come from peaks that the others
    chose. `first_epoch` and `last_epoch` are the ends.
    """

    first_epoch: int
    peak_epoch: int
    last_epoch: int
    peak_nats: float
    fitting: Stage
    compression: Stage


def network_stages(curves: Mapping[Key, Curves]) -> dict[Key, NetworkStages]:
    """Fitting gain I(peak) - I(first) and compression I(peak) - I(last) at every tap of an experiment.

    The information of a network at an epoch is the mean over its fits. The peak is the maximum of noisy values:
    chosen and measured on the same ones it would find a gain where there is none.

    Several networks. The peak of each is chosen by the mean of the *others*; its gain there is therefore unbiased
    where no epoch exceeds the end. Value, standard error and Student's t are those of the gains over networks. The
    gains depend on each other, for each network has a vote on the peaks of the others; the p-value is that of t
    among curves without any gain (`flat_draws`), which knows it. A claim about networks rests on networks alone: fits
    and images are inside their spread.

    One network. The peak of each fit is chosen by the mean of the other fits, and the value is the mean of the fits'
    gains there; of a single fit it is the largest. The gain at an epoch has the error over images of its paired
    differences and that over fits of the fits' own gains, whose spread is `moderated` over all epochs and taps of the
    experiment. The p-value is the smallest of all epochs times their number (Bonferroni). The verdict is of this
    network and these fits.

    All p-values of the experiment, both stages of every tap and regime, are corrected together (Holm 1979).

    Args:
        curves: by tap, regime, quantity: whatever tells them apart.

    Returns:
        The stages of each, in that order.

    Raises:
        UserError: fewer than two epochs, no network, or arrays that do not belong together.
    """
    for name, curve in curves.items():
        _check(name, curve)
    found = {
        name: _stages(curve, spread)
        for (name, curve), spread in zip(curves.items(), _spreads(curves), strict=True)
    }
    corrected = iter(
        holm([stage.p_value for two in found.values() for stage in (two.fitting, two.compression)])
    )
    return {
        name: replace(
            two,
            fitting=replace(two.fitting, p_holm=next(corrected)),
            compression=replace(two.compression, p_holm=next(corrected)),
        )
        for name, two in found.items()
    }


def _check(name: Hashable, curve: Curves) -> None:
    epochs = curve.epochs
    if len(epochs) < 2 or list(epochs) != sorted(set(epochs)):
        raise UserError(f"epochs {list(epochs)} cannot show two stages: name at least two, increasing.")
    if not curve.networks:
        raise UserError(f"{name}: there is no network to be judged.")
    for values in curve.networks:
        if values.ndim != 3 or values.shape[1] != len(epochs) or values.shape[2] < 2:
            raise UserError(
                f"{name}: nats of shape {values.shape} do not belong to {len(epochs)} epochs: give them by fit, epoch "
                "and image."
            )
        if not np.isfinite(values).all():
            raise UserError(f"{name}: nats are not finite: fit that decoder again.")


def _spreads(curves: Mapping[Key, Curves]) -> list[FitSpread | None]:
    """By how much fits of one network differ in the gain between two epochs, at each tap.

    The information of fit k at epoch e is mu_e + a_k + r_ke. What a fit adds everywhere, a_k, cancels in a gain, whose
    variance is 2 var r, with var r from the residuals of both means on (fits - 1)(epochs - 1) degrees a network. The
    gains themselves would seem to know more than they do, for all of them hold the same end.
    """
    squares, degrees = [], []
    for curve in curves.values():
        residuals = [_residuals(values.mean(axis=2)) for values in curve.networks]
        squares.append(sum(float((r**2).sum()) for r in residuals))
        degrees.append(sum((len(r) - 1) * (r.shape[1] - 1) for r in residuals))
    variances = [2.0 * s / d if d else 0.0 for s, d in zip(squares, degrees)]
    return moderated_variances(variances, degrees)


def _residuals(values: Values) -> Values:
    """What is left of (fits, epochs) without its means over fits and over epochs."""
    rest: Values = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    return rest


def _stages(curve: Curves, spread: FitSpread | None) -> NetworkStages:
    information = np.stack([values.mean(axis=(0, 2)) for values in curve.networks])
    peak = int(np.argmax(information.mean(axis=0)))
    peak_nats = float(information[:, peak].mean())
    last = len(curve.epochs) - 1
    margin = max(NEGLIGIBLE * peak_nats, SMALLEST_MARGIN_NATS)
    judge = _of_one_network if len(curve.networks) == 1 else _of_networks
    return NetworkStages(
        first_epoch=curve.epochs[0],
        peak_epoch=curve.epochs[peak],
        last_epoch=curve.epochs[-1],
        peak_nats=peak_nats,
        fitting=judge(curve, 0, margin, spread),
        compression=judge(curve, last, margin, spread),
    )


def _of_networks(curve: Curves, end: int, margin: float, spread: FitSpread | None) -> Stage:
    information = np.stack([values.mean(axis=(0, 2)) for values in curve.networks])
    n, count = information.shape
    gains = voted_gains(information[None], end)[0]
    value, stderr = float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(n))
    reach = float(stats.t.ppf(1.0 - ALPHA, n - 1))
    differences = np.delete(information, end, axis=1) - information[:, [end]]
    highs = differences.mean(axis=0) + reach * differences.std(axis=0, ddof=1) / math.sqrt(n)
    return Stage(
        nats=value,
        stderr_nats=stderr,
        low_nats=max(0.0, value - reach * stderr),
        high_nats=max(0.0, float(highs.max())),
        p_value=_flat_p_value(value, stderr, n, count, end),
        p_holm=1.0,
        spread_nats=None if spread is None else math.sqrt(spread.variance),
        margin_nats=margin,
        networks=n,
        fits=min(len(values) for values in curve.networks),
    )


def voted_gains(information: Values, end: int) -> Values:
    """Each network's information at the peak of the mean of the other networks, less that at the end.

    Args:
        information: shape (..., networks, epochs).
        end: index of the first or the last epoch.

    Returns:
        Shape (..., networks).

    >>> voted_gains(np.array([[0.0, 3.0, 1.0], [0.0, 2.0, 5.0]]), end=0).tolist()
    [1.0, 2.0]
    """
    others = information.sum(axis=-2, keepdims=True) - information
    peaks = others.argmax(axis=-1)[..., None]
    gains: Values = (np.take_along_axis(information, peaks, axis=-1) - information[..., [end]])[..., 0]
    return gains


def _flat_p_value(value: float, stderr: float, networks: int, epochs: int, end: int) -> float:
    """(1 + draws that reach t) / (1 + draws) (Davison & Hinkley 1997, equation 4.11); without spread by the sign."""
    if stderr == 0.0:
        return 0.0 if value > 0.0 else 1.0
    drawn = flat_draws(networks, epochs, end)
    return float(1 + np.count_nonzero(drawn >= value / stderr)) / (1 + len(drawn))


@lru_cache(maxsize=16)
def flat_draws(networks: int, epochs: int, end: int, draws: int = DRAWS, seed: int = 0) -> Values:
    """Draws of t of `voted_gains` among networks whose curves are flat and whose values are independent and normal.

    Student's t of so many networks would say "yes" at 2.5 % in up to 6 % of such cases (ten networks, eight epochs).
    Curves that fall towards the peak and rise again, or rise to the end, reach a given t less often than flat ones.
    """
    values = np.random.default_rng([seed, networks, epochs]).standard_normal((draws, networks, epochs))
    gains = voted_gains(values, end)
    deviations = gains.std(axis=1, ddof=1)
    t = np.zeros(draws)
    np.divide(gains.mean(axis=1) * math.sqrt(networks), deviations, out=t, where=deviations > 0.0)
    t.setflags(write=False)
    return t


def _of_one_network(curve: Curves, end: int, margin: float, spread: FitSpread | None) -> Stage:
    values = curve.networks[0]
    per_image = values.mean(axis=0)
    others = [epoch for epoch in range(len(curve.epochs)) if epoch != end]
    gains = [_Gain.between(per_image, epoch, end, spread, len(values)) for epoch in others]
    best = max(gains, key=lambda gain: gain.nats)
    by_fit = values.mean(axis=2)
    value = float(voted_gains(by_fit, end).mean()) if len(by_fit) > 1 else max(best.nats, 0.0)
    return Stage(
        nats=value,
        stderr_nats=best.stderr,
        low_nats=max(0.0, max(gain.nats - gain.reach(ALPHA / len(gains)) for gain in gains)),
        high_nats=max(0.0, max(gain.nats + gain.reach(ALPHA) for gain in gains)),
        p_value=min(1.0, len(gains) * min(gain.p_value for gain in gains)),
        p_holm=1.0,
        spread_nats=None if spread is None else math.sqrt(spread.variance),
        margin_nats=margin,
        networks=1,
        fits=len(values),
    )


@dataclass(frozen=True)
class _Gain:
    """The gain between two epochs of one network, with its errors over images and fits."""

    nats: float
    stderr: float
    degrees: float

    @classmethod
    def between(cls, per_image: Values, epoch: int, end: int, spread: FitSpread | None, fits: int) -> "_Gain":
        differences = per_image[epoch] - per_image[end]
        n = len(differences)
        of_images = float(differences.var(ddof=1)) / n
        of_fits = 0.0 if spread is None else spread.variance / fits
        parts = [(of_images, n - 1.0)] + ([] if spread is None else [(of_fits, spread.degrees)])
        return cls(float(differences.mean()), math.sqrt(of_images + of_fits), satterthwaite(parts))

    def reach(self, alpha: float) -> float:
        """Nats that lie between the gain and the end of its one-sided interval."""
        return float(stats.t.ppf(1.0 - alpha, self.degrees)) * self.stderr

    @property
    def p_value(self) -> float:
        """One-sided, of "the end is not exceeded"."""
        if self.stderr == 0.0:
            return 0.0 if self.nats > 0.0 else 1.0
        return float(stats.t.sf(self.nats / self.stderr, self.degrees))


def curves(epochs: Sequence[int], networks: Sequence[ArrayLike]) -> Curves:
    """Curves from nested sequences, one array (fits, epochs, images) a network."""
    return Curves(tuple(epochs), tuple(np.asarray(values, dtype=np.float64) for values in networks))
