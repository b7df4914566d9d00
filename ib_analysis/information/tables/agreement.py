"""`agreement.csv`: where estimators agree on the order of the points and on rises and falls of each tap."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ib_analysis.information.measurement.estimate import DECODERS, Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.point import Network

OWN_QUANTITIES = (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION)
STANDARD_ERRORS = 2.0
ROUNDING_BITS = 1e-6
"""A saturated method's numbers differ by no more than this: they have no order."""


@dataclass(frozen=True)
class Agreement:
    """One method on one network and quantity, bits."""

    encoder: str
    regime: str
    seed: int
    quantity: Quantity
    method: str
    points: int
    tau: float | None
    """Kendall's tau of all (tap, epoch) with the decoders' estimate; None where it is not defined."""
    falls: str
    """Taps at which it falls, from its highest checkpoint to the last, beyond two standard errors."""
    rises: str
    """Taps at which it rises from the first checkpoint to the last beyond two standard errors."""


def own_rows(rows: Sequence[InformationRow]) -> list[InformationRow]:
    """The decoders' own estimates of I(x; h) and I(y; h), under one name."""
    return [
        row.model_copy(update={"method": DECODERS})
        for row in rows
        if row.quantity in OWN_QUANTITIES and row.tap and row.bound is not Bound.EXACT
    ]


def agreements(rows: Sequence[InformationRow]) -> list[Agreement]:
    """One for each network, quantity and method, the decoders' own first."""
    groups: dict[tuple[Network, Quantity], dict[str, list[InformationRow]]] = {}
    for row in rows:
        if row.point is not None:
            key = row.point.network, row.quantity
            groups.setdefault(key, {}).setdefault(row.method, []).append(row)
    return [
        _agreement(network, quantity, method, found, methods.get(DECODERS, []))
        for (network, quantity), methods in groups.items()
        for method, found in methods.items()
    ]


def _agreement(
    network: Network,
    quantity: Quantity,
    method: str,
    rows: Sequence[InformationRow],
    own: Sequence[InformationRow],
) -> Agreement:
    curves: dict[str, list[InformationRow]] = {}
    for row in sorted(rows, key=lambda row: row.epoch or 0):
        curves.setdefault(row.tap, []).append(row)
    return Agreement(
        *network,
        quantity,
        method,
        len(rows),
        order(_points(own), _points(rows)),
        " ".join(tap for tap, curve in curves.items() if _beyond(max(curve, key=_bits), curve[-1])),
        " ".join(tap for tap, curve in curves.items() if _beyond(curve[-1], curve[0])),
    )


def _bits(row: InformationRow) -> float:
    return row.bits


def _points(rows: Sequence[InformationRow]) -> dict[tuple[str, int | None], float]:
    return {(row.tap, row.epoch): row.bits for row in rows}


def _beyond(high: InformationRow, low: InformationRow) -> bool:
    """Whether one is higher by more than two standard errors, taken as independent (which they are not quite)."""
    return high.bits - low.bits > STANDARD_ERRORS * math.hypot(high.stderr_bits, low.stderr_bits)


def order(
    points: Mapping[tuple[str, int | None], float], others: Mapping[tuple[str, int | None], float]
) -> float | None:
    """Kendall's tau over the points that both have; None for fewer than three, or where one is constant.

    >>> order({("a", 0): 1.0, ("a", 1): 2.0, ("b", 0): 3.0}, {("a", 0): 2.0, ("a", 1): 3.0, ("b", 0): 9.0})
    1.0
    """
    both = [key for key in points if key in others]
    if len(both) < 3:
        return None
    x, y = np.array([points[k] for k in both]), np.array([others[k] for k in both])
    if min(np.ptp(x), np.ptp(y)) < ROUNDING_BITS:
        return None
    return round(float(stats.kendalltau(x, y).statistic), 12)
