"""Series of bits for each tap and seed, built from rows of the information table."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np

from ib_analysis.point import Network

Row = Mapping[str, Any] | object
"""A row of information.csv: a mapping, or an object with the columns as attributes."""
Mutual = Literal["I(x;h)", "I(y;h)"]


@dataclass(frozen=True)
class Panel:
    """An encoder in one training regime, which has a panel of its own; seeds are its repetitions."""

    encoder: str
    regime: str

    @classmethod
    def of(cls, network: Network) -> Self:
        """The panel of a network, which it shares with other seeds."""
        return cls(network.encoder, network.regime)

    @property
    def title(self) -> str:
        """Title of the panel."""
        return f"{self.encoder}, {self.regime}"


@dataclass(frozen=True)
class Series:
    """Bits of one quantity at one tap over epochs; seed None marks a mean over seeds."""

    panel: Panel
    tap: str
    seed: int | None
    quantity: str
    epochs: tuple[int, ...]
    bits: tuple[float, ...]
    spread_bits: tuple[float, ...]
    """Standard error over images; for a mean over seeds the standard deviation over seeds."""
    band_bits: tuple[float, ...] = ()
    """Half-width of the simultaneous band over all epochs; empty without a band."""


@dataclass(frozen=True)
class Ceilings:
    """Entropies and CE(x) that limit the information, in bits; None where the table has no such row."""

    label_entropy: float | None
    image_cross_entropy: float | None
    image_entropy: float | None


def column(row: Row, name: str) -> Any:
    """The value of a column; None for an empty cell."""
    value = row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)
    return None if value == "" else value


def is_exact(row: Row) -> bool:
    """Whether the row is an exact value in closed form and not a measurement."""
    return column(row, "bound") == "exact" and column(row, "quantity") in get_args(Mutual)


def measured(rows: Iterable[Row], quantity: Mutual) -> list[Series]:
    """The measured series of each (encoder, regime, tap, seed), in the order of the table, epochs increasing."""
    return _grouped([row for row in rows if column(row, "quantity") == quantity and not is_exact(row)])


def exact(rows: Iterable[Row], quantity: Mutual) -> list[Series]:
    """The series of known information; empty if the data set has none."""
    return _grouped([row for row in rows if column(row, "quantity") == quantity and is_exact(row)])


def _grouped(rows: Sequence[Row]) -> list[Series]:
    groups: dict[tuple[Panel, str, int | None], list[Row]] = {}
    for row in rows:
        groups.setdefault((panel_of(row), str(column(row, "tap")), _seed(row)), []).append(row)
    return [_series(*key, group) for key, group in groups.items()]


def panel_of(row: Row) -> Panel:
    """The encoder and regime of a row."""
    return Panel(str(column(row, "encoder")), str(column(row, "regime")))


def network_of(row: Row) -> Network:
    """The network of a row with an address."""
    return Network(*(column(row, name) for name in Network._fields))


def _seed(row: Row) -> int | None:
    seed = column(row, "seed")
    return None if seed is None else int(seed)


def _epoch(row: Row) -> int:
    return int(column(row, "epoch") or 0)


def _series(panel: Panel, tap: str, seed: int | None, rows: Sequence[Row]) -> Series:
    ordered = sorted(rows, key=_epoch)
    return Series(
        panel, tap, seed, str(column(ordered[0], "quantity")),
        tuple(_epoch(row) for row in ordered),
        tuple(float(column(row, "bits")) for row in ordered),
        tuple(_number(column(row, "stderr_bits")) for row in ordered),
        tuple(float(column(row, "band_bits")) for row in ordered if column(row, "band_bits") is not None),
    )  # fmt: skip


def _number(value: Any) -> float:
    """A missing or infinite standard error becomes 0, which draws no error bar."""
    number = 0.0 if value is None else float(value)
    return number if math.isfinite(number) else 0.0


def over_seeds(series: Sequence[Series]) -> list[Series]:
    """The mean over seeds of each (panel, tap), at the epochs that every seed has.

    A single seed is returned unchanged, with its standard error over images. For several seeds the spread is their
    sample standard deviation.
    """
    groups: dict[tuple[Panel, str], list[Series]] = {}
    for one in series:
        groups.setdefault((one.panel, one.tap), []).append(one)
    return [group[0] if len(group) == 1 else _mean(group) for group in groups.values()]


def _mean(group: Sequence[Series]) -> Series:
    epochs = sorted(set.intersection(*(set(one.epochs) for one in group)))
    table = np.array([[one.bits[one.epochs.index(epoch)] for epoch in epochs] for one in group])
    return Series(
        group[0].panel, group[0].tap, None, group[0].quantity, tuple(epochs),
        tuple(table.mean(axis=0).tolist()), tuple(table.std(axis=0, ddof=1).tolist()),
    )  # fmt: skip


def ceilings(rows: Iterable[Row]) -> Ceilings:
    """H(y), CE(x) and, if known, H(x) of the table."""
    found: dict[str, float] = {}
    for row in rows:
        if column(row, "tap") is None:
            found.setdefault(str(column(row, "quantity")), float(column(row, "bits")))
    return Ceilings(found.get("H(y)"), found.get("CE(x)"), found.get("H(x)"))


def panels_of(series: Iterable[Series]) -> list[Panel]:
    """The panels in the order of the table."""
    return list(dict.fromkeys(one.panel for one in series))


def taps(series: Iterable[Series]) -> list[str]:
    """The taps in network order, which is the order of the table."""
    return list(dict.fromkeys(one.tap for one in series))


def epochs(series: Iterable[Series]) -> list[int]:
    """Every epoch that occurs, in increasing order."""
    return sorted({epoch for one in series for epoch in one.epochs})


def seeds(series: Iterable[Series]) -> int:
    """The largest number of seeds of any panel."""
    counts: dict[tuple[Panel, str], set[int | None]] = {}
    for one in series:
        counts.setdefault((one.panel, one.tap), set()).add(one.seed)
    return max((len(found) for found in counts.values()), default=0)


def images(rows: Iterable[Row]) -> int | None:
    """The number of images of the information at taps; None if it is missing or differs between rows."""
    counts = {int(n) for row in rows if column(row, "tap") is not None and (n := column(row, "n_images"))}
    return counts.pop() if len(counts) == 1 else None


def spread_sentence(rows: Sequence[Row], *, curves: bool = False) -> str:
    """The sentence of a caption that explains error bars, bands (of `curves`) and the number of images."""
    number, runs = images(rows), seeds(measured(rows, "I(x;h)"))
    over = f"{number:,} evaluation images" if number else "the evaluation images"
    if runs > 1:
        return f"Mean and standard deviation of {runs} seeds; thin lines are single seeds. n = {over} each."
    banded = curves and any(column(row, "band_bits") is not None for row in rows)
    shaded = " Shaded: simultaneous 95 % band over images for the whole curve of a tap." if banded else ""
    fits = max((int(column(row, "n_fits") or 1) for row in rows), default=1)
    both = f"images and {fits} fits" if fits > 1 else "images, of one fit"
    shared = any(column(row, "interval") == "calibrated" for row in rows)
    beyond = (
        " What all decoders are wrong by together is not in them: the table's intervals hold it."
        if shared
        else ""
    )
    return f"Error bars: one standard error over {both} (n = {over}); one encoder seed.{beyond}{shaded}"


def bound_sentence(rows: Iterable[Row], quantities: Sequence[Mutual] = ("I(x;h)", "I(y;h)")) -> str:
    """The sentence of a caption that states the kind of bound of each quantity."""
    kinds = {str(column(r, "quantity")): str(column(r, "bound")) for r in rows if not is_exact(r)}
    image = (
        "I(x;h) = CE(x) - CE(x|h) is an estimate, neither a lower nor an upper bound: "
        "the information that this family of decoders can use."
    )
    if kinds.get("I(x;h)") == "lower":
        image = "I(x;h) = H(x) - CE(x|h) is a lower bound, since H(x) is known."
    label = "I(y;h) = H(y) - CE(y|h) is a lower bound."
    return " ".join({"I(x;h)": image, "I(y;h)": label}[quantity] for quantity in quantities)
