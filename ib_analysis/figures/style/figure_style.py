"""The style of every figure, independent of the user's own matplotlib settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

COLUMN_INCHES = 3.25
"""Width of one column of a two-column paper."""
PAGE_INCHES = 6.75
"""Width of both columns."""
EXACT_KEY = "× exact"
"""Key above a panel with known information, which the caption explains."""
STYLE = Path(__file__).with_name("style.mplstyle")


@contextmanager
def figure_style() -> Iterator[None]:
    """Context in which figures are drawn and saved: matplotlib's defaults, then `style.mplstyle`."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def paper_figure(width_inches: float, height_inches: float) -> Figure:
    """An empty figure with constrained layout, which prevents overlap."""
    layout = ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.04, wspace=0.04, hspace=0.04)
    return Figure(figsize=(width_inches, height_inches), layout=layout)
