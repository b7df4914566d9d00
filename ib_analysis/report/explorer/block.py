"""The data of the explorer as one block of JSON inside the page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.colors import to_hex

from ib_analysis.figures.samples import Samples
from ib_analysis.figures.style.number_text import bits_text
from ib_analysis.figures.style.palette import MARKERS, epoch_colours
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.point import Network
from ib_analysis.report.content import ReportContent
from ib_analysis.report.explorer.pictures import Album, Drawn, fill
from ib_analysis.report.explorer.point_numbers import SHOWN, Numbers, ceilings, numbers
from ib_analysis.report.tables.controls import failing_controls

PLANE = (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION)


@dataclass(frozen=True)
class _Places:
    """What a point of the explorer is numbered by, each in the order of the table."""

    panels: list[tuple[str, str]]
    taps: list[str]
    epochs: list[int]


def explorer_block(content: ReportContent, room: int) -> str:
    """JSON that is safe inside a script element; empty where no point has both informations.

    Args:
        content: its rows, fits, controls and samples.
        room: characters that images may take; the first originals are kept where not all fit.
    """
    found = [
        one
        for one in numbers(content.rows, content.fits, failing_controls(content.controls))
        if all(quantity in one.measured for quantity in PLANE)
    ]
    if not found:
        return ""
    album = Album()
    drawn = {s.network: d for s, d in zip(content.drawn, fill(album, content.drawn, room), strict=True)}
    places = _places(found)
    data = {
        "panels": [_panel(panel, found) for panel in places.panels],
        "taps": places.taps,
        "markers": [MARKERS[i % len(MARKERS)] for i in range(len(places.taps))],
        "epochs": places.epochs,
        "colours": _colours(places.epochs),
        "quantities": [str(quantity) for quantity in SHOWN],
        "ceilings": _ceilings(content.rows),
        "points": [_point(one, places, drawn) for one in found],
        "networks": _networks(drawn),
        "size": _size(content.drawn),
        "images": album.images,
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_SAFE)


_SAFE = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
"""Letters that could end the script element, as JSON escapes."""


def _places(found: Sequence[Numbers]) -> _Places:
    addresses = [one.address for one in found]
    return _Places(
        list(dict.fromkeys((a.encoder, a.regime) for a in addresses)),
        list(dict.fromkeys(a.tap for a in addresses)),
        sorted({a.epoch for a in addresses}),
    )


def _colours(epochs: Sequence[int]) -> list[str]:
    colours, _ = epoch_colours(epochs)
    return [to_hex(colour) for colour in colours(range(len(epochs)))]


def _panel(panel: tuple[str, str], found: Sequence[Numbers]) -> dict[str, Any]:
    seeds = dict.fromkeys(
        one.address.seed for one in found if (one.address.encoder, one.address.regime) == panel
    )
    numbered = [seed for seed in seeds if seed is not None]
    return {"name": ", ".join(panel), "seeds": [*([None] if None in seeds else []), *numbered]}


def _ceilings(rows: Sequence[InformationRow]) -> dict[str, Any]:
    return {
        str(quantity): [_short(bits), f"{quantity} = {bits_text(bits)} bits"]
        for quantity, bits in ceilings(rows).items()
    }


def _point(one: Numbers, places: _Places, drawn: dict[Network, Drawn]) -> dict[str, Any]:
    a = one.address
    seed = _shown_seed(one, drawn)
    network = Network(a.encoder, a.regime, seed)
    images = drawn[network].draws.get(network.at(a.epoch, a.tap)) if network in drawn else None
    return {
        "panel": places.panels.index((a.encoder, a.regime)),
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
        "of": list(drawn).index(network) if images else None,
    }


def _shown_seed(one: Numbers, drawn: dict[Network, Drawn]) -> int:
    """The seed whose samples are shown: the point's own, or the first of those that a mean is of."""
    a = one.address
    if a.seed is not None:
        return a.seed
    return min((n.seed for n in drawn if (n.encoder, n.regime) == (a.encoder, a.regime)), default=0)


def _networks(drawn: dict[Network, Drawn]) -> list[dict[str, Any]]:
    return [
        {"seed": network.seed, "classes": d.classes, "originals": d.originals, "of": d.of}
        for network, d in drawn.items()
    ]


def _size(samples: Sequence[Samples]) -> list[int]:
    """Width and height of an image."""
    return [int(side) for side in samples[0].originals.shape[:1:-1]] if samples else [0, 0]


def _short(bits: float) -> float:
    """Six digits, which are more than the eye can see."""
    return float(f"{bits:.6g}")
