"""Colours that are distinguishable with colour blindness: Okabe and Ito for taps, viridis for epochs."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C8C")
"""The palette of Okabe and Ito (2008), with grey instead of yellow, which is barely visible on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")


def tap_colours(taps: Sequence[str]) -> dict[str, str]:
    """One colour for each tap, in network order; a tap has the same colour in every panel."""
    return {tap: OKABE_ITO[i % len(OKABE_ITO)] for i, tap in enumerate(taps)}


def tap_markers(taps: Sequence[str]) -> dict[str, str]:
    """One marker shape for each tap, as a second cue beside the colour."""
    return {tap: MARKERS[i % len(MARKERS)] for i, tap in enumerate(taps)}


def epoch_colours(epochs: Sequence[int]) -> tuple[ListedColormap, BoundaryNorm]:
    """A discrete colour map with one step for each epoch, by rank.

    Measured epochs are usually spaced geometrically (0, 1, 10, 100, 200), so equal steps of rank are roughly equal
    steps of log(epoch), and neighbours remain distinguishable. Apply the map to the rank of an epoch, 0, 1, 2, ...
    """
    ranks = np.linspace(0.0, 0.97, len(epochs)) if len(epochs) > 1 else np.array([0.5])
    colours = ListedColormap(list(matplotlib.colormaps["viridis"](ranks)))
    return colours, BoundaryNorm(np.arange(len(epochs) + 1) - 0.5, len(epochs))
