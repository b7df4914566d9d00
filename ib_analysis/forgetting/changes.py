"""`forgetting_changes.csv`: how each measure of the samples changes between two epochs, over networks."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from pydantic import Field, FiniteFloat
from scipy import stats

from ib_analysis.forgetting.squared_error import Measure
from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.spec import Spec

LEVEL = 0.95
Kind = tuple[Measure, float | None, float | None]
Address = tuple[str, str, str]
"""Encoder, regime and tap."""
BySeed = dict[int, ForgettingRow]


class ChangeRow(Spec):
    """The later value less the earlier one of the same network, mean over networks.

    The interval is Student's t over networks, all on the same originals and noise of the draws, whose choice it does
    not cover; it is no test of a claim, and not corrected for the number of rows. With one network it is empty.
    """

    encoder: str
    regime: str
    tap: str
    measure: Measure
    low_cycles: float | None
    """Limits of a band of frequency, as in `forgetting.csv`."""
    high_cycles: float | None
    from_epoch: int = Field(ge=0)
    to_epoch: int = Field(ge=0)
    change: FiniteFloat
    low: FiniteFloat | None
    """Lower end of the 95 % interval."""
    high: FiniteFloat | None
    n_networks: int = Field(ge=1)
    n_images: int = Field(ge=1)
    n_draws: int = Field(ge=1)


def change_rows(rows: Sequence[ForgettingRow]) -> Iterator[ChangeRow]:
    """A row for every encoder, regime, tap and measure, and for every two epochs, in the order of the rows.

    Args:
        rows: forgetting.csv.
    """
    found: dict[tuple[Address, Kind], dict[int, BySeed]] = {}
    for row in rows:
        address, kind = (row.encoder, row.regime, row.tap), (row.measure, row.low_cycles, row.high_cycles)
        found.setdefault((address, kind), {}).setdefault(row.epoch, {})[row.seed] = row
    for (address, kind), epochs in found.items():
        for first, last in combinations(sorted(epochs), 2):
            yield from _change(address, kind, epochs[first], epochs[last])


def _change(address: Address, kind: Kind, first: BySeed, last: BySeed) -> Iterator[ChangeRow]:
    """The change over the networks that both epochs have."""
    both = sorted(set(first) & set(last))
    if not both:
        return
    changes = np.array([last[seed].value - first[seed].value for seed in both])
    reach = None if len(both) == 1 else _reach(changes)
    mean, one = float(changes.mean()), last[both[0]]
    yield ChangeRow(
        encoder=address[0], regime=address[1], tap=address[2], measure=kind[0], low_cycles=kind[1],
        high_cycles=kind[2], from_epoch=first[both[0]].epoch, to_epoch=one.epoch, change=mean,
        low=None if reach is None else mean - reach, high=None if reach is None else mean + reach,
        n_networks=len(both), n_images=one.n_images, n_draws=one.n_draws,
    )  # fmt: skip


def _reach(values: np.ndarray) -> float:
    quantile = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1))
    return quantile * float(values.std(ddof=1)) / math.sqrt(len(values))
