"""The style of every figure, whatever the settings of matplotlib."""

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
"""Above a panel with known information; the caption says more."""
STYLE = Path(__file__).with_name("style.mplstyle")


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save inside this context: matplotlib's defaults, then `style.mplstyle`."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def paper_figure(width_inches: float, height_inches: float) -> Figure:
    """An empty figure whose panels are laid out so that nothing overlaps."""
    layout = ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.04, wspace=0.04, hspace=0.04)
    return Figure(figsize=(width_inches, height_inches), layout=layout)
