"""Direct labels: names written beside the data that they name, placed to avoid overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, Transform
from numpy.typing import NDArray

FONT_POINTS = 8.0
INK = "0.1"
MARKER_POINTS = 3.0
"""Half the side of the square around a marker that is kept free of its own name."""
NEIGHBOUR_POINTS = 7.0
"""The same for markers of other names; larger, so that a name is nearest to its own marker."""
DISTANCES_POINTS = (4.5, 9.0, 16.0, 28.0, 44.0)
LEADER_POINTS = 8.0
"""A name farther than this from its point is joined to it by a thin line."""
DIRECTIONS = tuple(
    np.array(d)
    for d in ((1, 0), (0, 1), (0, -1), (-1, 0), (0.7, 0.7), (0.7, -0.7), (-0.7, 0.7), (-0.7, -0.7))
)
LEADER = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0.5, "shrinkB": 3.0}


@dataclass(frozen=True)
class Name:
    """A text and the data points (points, 2) beside which it may be placed, in order of preference."""

    text: str
    points: NDArray[np.float64]
    colour: str = "0.45"
    """Colour of the thin line to the name; the name itself is always dark."""


@dataclass(frozen=True)
class _Place:
    point: NDArray[np.float64]
    offset: NDArray[np.float64]
    box: Bbox
    cost: float
    leader: bool


def settle(figure: Figure) -> float:
    """Computes the layout and keeps it, which fixes positions on the page; returns pixels per point."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure.dpi / 72.0


def label_points(
    axes: Axes,
    names: Sequence[Name],
    keep_free: Sequence[Bbox] = (),
    other_lines: Sequence[NDArray[np.float64]] = (),
) -> list[Annotation]:
    """Writes each name beside one of its points, at the position of least overlap; call it after `settle`.

    Every name tries eight directions and three distances around each of its points. The cost counts covered markers,
    crossed lines (the trajectories and `other_lines`, polylines in data coordinates), overlapping names, and text
    outside the axes. Among equal costs the nearer position and the earlier point are preferred.
    """
    scale = axes.figure.dpi / 72.0
    drawn = [_displayed(axes, name) for name in names]
    lines = _Lines.of([*drawn, *(axes.transData.transform(line) for line in other_lines)])
    taken: list[Bbox] = list(keep_free)
    written = []
    for name in names:
        size = _text_size(axes, name.text)
        places = _places(axes, name, size, scale)
        own = [_square(p, MARKER_POINTS * scale) for p in _displayed(axes, name)]
        others = [
            _square(p, NEIGHBOUR_POINTS * scale)
            for other in names
            if other is not name
            for p in _displayed(axes, other)
        ]
        best = min(
            places, key=lambda place: place.cost + _covered(place.box, axes.bbox, own, others, lines, taken)
        )
        taken.append(best.box)
        written.append(_write(axes, name, best, scale))
    return written


def _displayed(axes: Axes, name: Name) -> NDArray[np.float64]:
    return np.atleast_2d(axes.transData.transform(name.points))


def _square(centre: NDArray[np.float64], half: float) -> Bbox:
    return Bbox.from_extents(centre[0] - half, centre[1] - half, centre[0] + half, centre[1] + half)


def _text_size(axes: Axes, text: str) -> NDArray[np.float64]:
    trial = axes.text(0, 0, text, fontsize=FONT_POINTS, transform=axes.transAxes)
    size = np.array(trial.get_window_extent().size)
    trial.remove()
    return size


def _places(axes: Axes, name: Name, size: NDArray[np.float64], scale: float) -> list[_Place]:
    places = []
    for order, centre in enumerate(_displayed(axes, name)):
        for distance in DISTANCES_POINTS:
            for direction, unit in enumerate(DIRECTIONS):
                offset = unit * distance * scale + np.sign(unit) * size / 2
                low = centre + offset - size / 2
                cost = 0.05 * order + 0.05 * (distance - DISTANCES_POINTS[0]) + 0.01 * direction
                leader = distance > LEADER_POINTS
                places.append(_Place(name.points[order], offset, Bbox([low, low + size]), cost, leader))
    return places


def _covered(
    box: Bbox,
    page: Bbox,
    own: Sequence[Bbox],
    others: Sequence[Bbox],
    lines: "_Lines",
    taken: Sequence[Bbox],
) -> float:
    """The cost of a text at this box."""
    outside = box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    hidden = 4.0 * box.count_overlaps(own) + 2.0 * box.count_overlaps(others)
    return 20.0 * outside + 10.0 * box.count_overlaps(taken) + hidden + 1.0 * lines.crossed(box)


@dataclass(frozen=True)
class _Lines:
    """Polylines as 60 points of each segment, (points, 2), and the place where each begins."""

    points: NDArray[np.float64]
    starts: NDArray[np.int64]

    @staticmethod
    def of(lines: Sequence[NDArray[np.float64]]) -> "_Lines":
        """Of lines of fewer than two points nothing is kept."""
        steps = np.linspace(0.0, 1.0, 60)[:, None, None]
        dense = [
            (line[:-1] + steps * np.diff(line, axis=0)).reshape(-1, 2) for line in lines if len(line) > 1
        ]
        starts = np.cumsum([0, *(len(points) for points in dense)])[:-1]
        return _Lines(np.concatenate([np.empty((0, 2)), *dense]), starts)

    def crossed(self, box: Bbox) -> int:
        """How many of the lines pass through the box."""
        if not len(self.starts):
            return 0
        inside = ((self.points > [box.x0, box.y0]) & (self.points < [box.x1, box.y1])).all(axis=1)
        return int(np.logical_or.reduceat(inside, self.starts).sum())


def _write(axes: Axes, name: Name, place: _Place, scale: float) -> Annotation:
    annotation = axes.annotate(
        name.text, (float(place.point[0]), float(place.point[1])), xytext=tuple(place.offset / scale),
        textcoords="offset points", ha="center", va="center", fontsize=FONT_POINTS, color=INK,
        arrowprops={**LEADER, "color": name.colour} if place.leader else None, annotation_clip=False,
    )  # fmt: skip
    annotation.set_in_layout(False)
    return annotation


def label_ends(axes: Axes, names: Sequence[Name]) -> list[Annotation]:
    """Writes each name to the right of the axes at the height of its point, moved apart where two would overlap.

    A thin line joins the last point and the name. Call it after `settle`, and reserve room to the right.
    """
    scale = axes.figure.dpi / 72.0
    heights = np.array([_displayed(axes, name)[0, 1] for name in names])
    apart = spread_apart(heights, (FONT_POINTS + 1.0) * scale, axes.bbox.y0, axes.bbox.y1)
    return [_write_end(axes, name, y) for name, y in zip(names, apart, strict=True)]


def _write_end(axes: Axes, name: Name, height: float) -> Annotation:
    y = (height - axes.bbox.y0) / axes.bbox.height
    beside: Transform = axes.transAxes
    annotation = axes.annotate(
        name.text, (float(name.points[0, 0]), float(name.points[0, 1])), xycoords="data",
        xytext=(1.045, y), textcoords=beside, ha="left", va="center",
        fontsize=FONT_POINTS, color=INK, annotation_clip=False,
        arrowprops={**LEADER, "color": name.colour, "shrinkA": 0.0, "relpos": (0, 0.5)},
    )  # fmt: skip
    annotation.set_in_layout(False)
    return annotation


def spread_apart(heights: NDArray[np.float64], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Moves heights by an upward and a downward sweep until neighbours are at least `gap` apart.

    >>> spread_apart(np.array([5.0, 5.0, 0.0]), 2.0, 0.0, 6.0).tolist()
    [4.0, 6.0, 0.0]
    """
    order = np.argsort(heights, kind="stable")
    moved = np.clip(heights[order], low, high)
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + gap)
    ceiling = high
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    result = np.empty_like(moved)
    result[order] = moved
    return result


def thin_tick_labels(figure: Figure, axes: Axes, ticks: Sequence[float], texts: Sequence[str]) -> None:
    """Sets all ticks and labels as many as fit without overlap, the last and the first before the others.

    Call it after `settle`.
    """
    scale = figure.dpi / 72.0
    x = axes.transData.transform([(tick, 0.0) for tick in ticks])[:, 0]
    half = np.array([0.5 * _text_size(axes, text)[0] + 1.5 * scale for text in texts])
    kept: list[int] = []
    for i in dict.fromkeys([len(ticks) - 1, *range(len(ticks))]):
        if all(abs(x[i] - x[j]) >= half[i] + half[j] for j in kept):
            kept.append(i)
    axes.set_xticks(ticks, [text if i in kept else "" for i, text in enumerate(texts)])
