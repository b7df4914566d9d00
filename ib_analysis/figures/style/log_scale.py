"""When bits belong on a logarithmic axis, and how its ticks are written."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

SHARE = 1 / 6
INCHES_A_DECADE = 0.9
"""From this width on a decade has ticks at 1, 2 and 5; narrower ones at 1 alone."""


def squeezed(values: Sequence[float]) -> bool:
    """Whether a linear axis from 0 leaves the lower quarter of the values a sixth of it, and all are positive.

    Early taps keep far more of an image than late ones. A single value near 0 is no reason for a logarithm, and values
    at or below 0 have no place on one.

    >>> squeezed([57, 51, 10, 8, 5.5, 3.5]), squeezed([0.02, 3, 4, 5]), squeezed([57, 51, 4, 3, -0.1])
    (True, False, False)
    """
    if not len(values) or min(values) <= 0:
        return False
    return bool(np.quantile(values, 0.25) <= SHARE * max(values))


def log_limits(values: Sequence[float], ends: Sequence[float]) -> tuple[float, float]:
    """Limits of a log axis around the values and the ends of their bars, down to a quarter of the least value."""
    low = max(min(values) / 4, min((end for end in ends if end > 0), default=min(values)))
    high = max(*values, *ends)
    room = (high / low) ** 0.06
    return low / room, high * room


def write_log_ticks(panels: Sequence[Axes]) -> None:
    """Horizontal log axes with plain numbers at their ticks."""
    for axes in panels:
        low, high = axes.get_xlim()
        place = axes.get_subplotspec()
        figure = axes.get_figure(root=True)
        columns = 1 if place is None else place.get_geometry()[1]
        inches = 1.0 if figure is None else figure.get_size_inches()[0] / columns
        wide = inches / max(1.0, math.log10(high / low)) >= INCHES_A_DECADE
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if wide else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
