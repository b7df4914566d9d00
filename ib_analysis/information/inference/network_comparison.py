"""Which of two encoders keeps more at a tap? The same images, the same CE(x), the same errors as everywhere."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import LEVEL
from ib_analysis.information.inference.repeated_fits import FitSpread, satterthwaite

Values = NDArray[np.float64]
Verdict = Literal["more", "less", "undecided"]


@dataclass(frozen=True)
class Comparison:
    """I(x;h) of the first encoder less that of the second, in nats per image, with its 95 % interval.

    `scope` says what the verdict speaks of: networks where there are two or more of each, else these networks and fits.
    """

    nats: float
    stderr_nats: float
    low_nats: float
    high_nats: float
    networks: tuple[int, int]
    fits: tuple[int, int]
    fits_known: bool

    @property
    def verdict(self) -> Verdict:
        """Whether the first keeps more, by the interval; "undecided" where the error over fits is unknown."""
        if not self.fits_known or self.low_nats <= 0.0 <= self.high_nats:
            return "undecided"
        return "more" if self.low_nats > 0.0 else "less"

    @property
    def scope(self) -> str:
        """What the verdict speaks of."""
        a, b = self.networks
        return f"{a} and {b} networks" if min(a, b) > 1 else "these networks, these fits"


def compare_networks(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    spreads: tuple[FitSpread | None, FitSpread | None],
) -> Comparison:
    """The difference of two encoders at a tap and an epoch.

    Networks are drawn, and so are fits; the images are the same for all. With two networks or more of each encoder the
    error is that over networks alone (Welch 1947), in which fits and their readings of these images are contained. With
    a single network on a side it is that over images, of paired differences, and over fits.

    Args:
        first: for each network -log q(x) + log q(x | h), in nats, shape (fits, images).
        second: the same of the other encoder, on the same images.
        spreads: how far one fit lies from the mean of fits, for each of the two; None where it is unknown.

    Raises:
        UserError: no network, or arrays that do not belong together.
    """
    a, b = _checked(first, "first"), _checked(second, "second")
    if a[0].shape[1] != b[0].shape[1]:
        raise UserError(
            f"the first encoder has {a[0].shape[1]} images and the second {b[0].shape[1]}: evaluate the same images."
        )
    difference = _mean(a) - _mean(b)
    over_networks = min(len(a), len(b)) > 1
    parts = _over_networks(a, b) if over_networks else _over_images_and_fits(difference, a, b, spreads)
    stderr = math.sqrt(sum(variance for variance, _ in parts))
    reach = float(stats.t.ppf((1.0 + LEVEL) / 2.0, satterthwaite(parts))) * stderr
    nats = float(difference.mean())
    return Comparison(
        nats=nats,
        stderr_nats=stderr,
        low_nats=nats - reach,
        high_nats=nats + reach,
        networks=(len(a), len(b)),
        fits=(min(map(len, a)), min(map(len, b))),
        fits_known=over_networks or None not in spreads,
    )


def _checked(networks: Sequence[ArrayLike], name: str) -> list[Values]:
    values = [np.asarray(network, dtype=np.float64) for network in networks]
    if not values or any(v.ndim != 2 or v.shape[1] != values[0].shape[1] or v.shape[1] < 2 for v in values):
        raise UserError(
            f"the {name} encoder has nats of shapes {[v.shape for v in values]}: give those of each network by fit and "
            "image, on the same images."
        )
    return values


def _mean(networks: Sequence[Values]) -> Values:
    """Nats of each image, averaged over networks and their fits."""
    mean: Values = np.mean([network.mean(axis=0) for network in networks], axis=0)
    return mean


def _over_networks(*encoders: Sequence[Values]) -> list[tuple[float, float]]:
    each = [np.array([network.mean() for network in networks]) for networks in encoders]
    return [(float(means.var(ddof=1)) / len(means), len(means) - 1.0) for means in each]


def _over_images_and_fits(
    difference: Values,
    a: Sequence[Values],
    b: Sequence[Values],
    spreads: tuple[FitSpread | None, FitSpread | None],
) -> list[tuple[float, float]]:
    n = len(difference)
    parts = [(float(difference.var(ddof=1)) / n, n - 1.0)]
    for networks, spread in zip((a, b), spreads):
        if spread is not None:
            parts.append((spread.variance / sum(map(len, networks)), spread.degrees))
    return parts
