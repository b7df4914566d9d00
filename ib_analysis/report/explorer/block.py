"""The data of the explorer as one block of JSON inside the page."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.colors import to_hex

from ib_analysis.figures.samples import Samples
from ib_analysis.figures.style.log_scale import squeezed
from ib_analysis.figures.style.number_text import bits_text
from ib_analysis.figures.style.palette import MARKERS, epoch_colours
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.point import Network, Point
from ib_analysis.report.content import FitSummary
from ib_analysis.report.explorer.pictures import Album, Drawn, fill
from ib_analysis.report.explorer.point_numbers import SHOWN, Address, Numbers, ceilings, numbers
from ib_analysis.report.tables.controls import failing_controls

PLANE = (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION)


@dataclass(frozen=True)
class Explored:
    """What the explorer shows of one experiment.

    `name` stands before its encoders where there are several; `surest` is the change whose tap is shown first.
    """

    rows: Sequence[InformationRow]
    fits: Sequence[FitSummary] = ()
    controls: Sequence[ControlRow] = ()
    drawn: Sequence[Samples] = ()
    said_of_samples: Mapping[Point, Sequence[str]] = field(default_factory=dict)
    name: str = ""
    surest: StagesRow | None = None

    def numbers(self) -> list[Numbers]:
        """The numbers of every point with both informations."""
        found = numbers(self.rows, self.fits, failing_controls(self.controls))
        return [one for one in found if all(quantity in one.measured for quantity in PLANE)]


Panel = tuple[str, str, str]
"""The name of an experiment, an encoder and a regime."""


@dataclass(frozen=True)
class _Places:
    """What a point of the explorer is numbered by, each in the order of the table."""

    panels: list[Panel]
    taps: list[str]
    epochs: list[int]


@dataclass(frozen=True)
class _Shown:
    """One experiment with its numbers and the places of its images in the page."""

    explored: Explored
    numbers: list[Numbers]
    drawn: dict[Network, tuple[int, Drawn]]


def explorer_block(experiments: Sequence[Explored], room: int) -> str:
    """JSON that is safe inside a script element; empty where no point has both informations.

    Args:
        experiments: one, or several that are compared; their images have one shape.
        room: characters that images may take; the first originals are kept where not all fit.
    """
    album = Album()
    samples = [network for explored in experiments for network in explored.drawn]
    numbered = list(enumerate(fill(album, samples, room)))
    shown = []
    for explored in experiments:
        own, numbered = numbered[: len(explored.drawn)], numbered[len(explored.drawn) :]
        drawn = {network.network: one for network, one in zip(explored.drawn, own, strict=True)}
        shown.append(_Shown(explored, explored.numbers(), drawn))
    places = _places(shown)
    if not places.panels:
        return ""
    data = {
        "panels": [_panel(panel, shown) for panel in places.panels],
        "taps": places.taps,
        "markers": [MARKERS[i % len(MARKERS)] for i in range(len(places.taps))],
        "epochs": places.epochs,
        "colours": _colours(places.epochs),
        "quantities": [str(quantity) for quantity in SHOWN],
        "log": [squeezed(_bits(shown, quantity)) for quantity in SHOWN],
        "points": [_point(number, one, places) for one in shown for number in one.numbers],
        "networks": [_network(network, d) for one in shown for network, (_, d) in one.drawn.items()],
        "size": [int(side) for side in samples[0].originals.shape[:1:-1]] if samples else [0, 0],
        "images": album.images,
        "start": _start(places, shown),
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_SAFE)


_SAFE = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
"""Letters that could end the script element, as JSON escapes."""


def _places(shown: Sequence[_Shown]) -> _Places:
    addresses = [(one.explored.name, number.address) for one in shown for number in one.numbers]
    return _Places(
        list(dict.fromkeys((name, a.encoder, a.regime) for name, a in addresses)),
        list(dict.fromkeys(a.tap for _, a in addresses)),
        sorted({a.epoch for _, a in addresses}),
    )


def _bits(shown: Sequence[_Shown], quantity: Quantity) -> list[float]:
    """All numbers of a quantity."""
    return [n.measured[quantity].bits for one in shown for n in one.numbers if quantity in n.measured]


def _start(places: _Places, shown: Sequence[_Shown]) -> list[int]:
    """The panel and the tap that are shown first: those of the finding, else the last tap of the first panel."""
    found = [(one.explored, number.address) for one in shown for number in one.numbers]
    first = [(e, a) for e, a in found if (e.name, a.encoder, a.regime) == places.panels[0]]
    told = [(e, a) for e, a in found if e.surest and _place(e.surest) == _place(a)]
    explored, address = (told or first[-1:])[0]
    panel = (explored.name, address.encoder, address.regime)
    return [places.panels.index(panel), places.taps.index(address.tap)]


def _place(of: StagesRow | Address) -> tuple[str, str, str]:
    return of.encoder, of.regime, of.tap


def _colours(epochs: Sequence[int]) -> list[str]:
    colours, _ = epoch_colours(epochs)
    return [to_hex(colour) for colour in colours(range(len(epochs)))]


def _panel(panel: Panel, shown: Sequence[_Shown]) -> dict[str, Any]:
    """The name of a plane, the seeds that it can show, and its ceilings."""
    name, *network = panel
    (own,) = [one for one in shown if one.explored.name == name]
    addresses = [number.address for number in own.numbers]
    seeds = dict.fromkeys(a.seed for a in addresses if [a.encoder, a.regime] == network)
    title = ", ".join(network)
    return {
        "name": f"{name}: {title}" if name else title,
        "seeds": [*([None] if None in seeds else []), *(seed for seed in seeds if seed is not None)],
        "ceilings": {
            str(quantity): [_short(bits), f"{quantity} = {bits_text(bits)} bits"]
            for quantity, bits in ceilings(own.explored.rows).items()
        },
    }


def _point(one: Numbers, shown: _Shown, places: _Places) -> dict[str, Any]:
    a = one.address
    network = Network(a.encoder, a.regime, _shown_seed(one, shown.drawn))
    number, drawn = shown.drawn.get(network, (None, None))
    images = drawn.draws.get(network.at(a.epoch, a.tap)) if drawn else None
    return {
        "panel": places.panels.index((shown.explored.name, a.encoder, a.regime)),
        "seed": a.seed,
        "epoch": places.epochs.index(a.epoch),
        "tap": places.taps.index(a.tap),
        "values": [
            None if value is None else [*map(_short, (value.bits, value.low, value.high))]
            for value in map(one.measured.get, SHOWN)
        ],
        "exact": [None if value is None else _short(value) for value in map(one.exact.get, PLANE)],
        "words": one.words,
        "draws": images,
        "said": shown.explored.said_of_samples.get(network.at(a.epoch, a.tap), ()) if images else (),
        "of": number if images else None,
    }


def _shown_seed(one: Numbers, drawn: Collection[Network]) -> int:
    """The seed whose samples are shown: the point's own, or the first of those that a mean is of."""
    a = one.address
    if a.seed is not None:
        return a.seed
    return min((n.seed for n in drawn if (n.encoder, n.regime) == (a.encoder, a.regime)), default=0)


def _network(network: Network, drawn: Drawn) -> dict[str, Any]:
    return {"seed": network.seed, "classes": drawn.classes, "originals": drawn.originals, "of": drawn.of}


def _short(bits: float) -> float:
    """Six digits, which are more than the eye can see."""
    return float(f"{bits:.6g}")
