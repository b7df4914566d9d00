"""The style of every figure, whatever the settings of matplotlib."""

import math
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


def bits_text(bits: float) -> str:
    """A number of bits with as many digits as a reader can use.

    >>> [bits_text(v) for v in (3.32193, 84.553, 9213.4, -0.0001)]
    ['3.32', '84.6', '9,213', '0.00']
    """
    digits = 2 if abs(bits) < 10 else 1 if abs(bits) < 1000 else 0
    text = f"{bits:,.{digits}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def measured_text(bits: float, stderr_bits: float | None) -> str:
    """A value with its standard error, both to two digits of the error and to three decimals at most.

    >>> measured_text(13.074, 1.042), measured_text(7862.4, 74.2), measured_text(2.0, 0)
    ('13.1 ± 1.0', '7,862 ± 74', '2.00')
    """
    if not stderr_bits:
        return bits_text(bits)
    digits = min(3, max(0, 1 - math.floor(math.log10(stderr_bits))))
    return f"{bits:,.{digits}f} ± {stderr_bits:,.{digits}f}"


def p_text(p_value: float) -> str:
    """A p-value to two digits; below one in ten thousand only that.

    >>> p_text(0.0314), p_text(3e-9), p_text(1.0)
    ('0.031', '< 0.0001', '1.0')
    """
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.2g}" if p_value < 0.995 else "1.0"
