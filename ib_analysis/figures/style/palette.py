"""Colours that colour-blind readers tell apart: Okabe and Ito for taps, viridis for epochs."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C8C")
"""Okabe and Ito (2008) with grey in the place of its yellow, which is lost on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")


def tap_colours(taps: Sequence[str]) -> dict[str, str]:
    """One colour a tap, in network order; the same tap has the same colour in every panel."""
    return {tap: OKABE_ITO[i % len(OKABE_ITO)] for i, tap in enumerate(taps)}


def tap_markers(taps: Sequence[str]) -> dict[str, str]:
    """One marker shape a tap: the second cue beside the colour."""
    return {tap: MARKERS[i % len(MARKERS)] for i, tap in enumerate(taps)}


def epoch_colours(epochs: Sequence[int]) -> tuple[ListedColormap, BoundaryNorm]:
    """A discrete colour map with one step an epoch, by rank.

    Epochs of a study are chosen roughly by powers (0, 1, 10, 100, 200): equal steps of rank are then roughly
    equal steps of log(epoch), and neighbours stay apart. Apply it to the rank of an epoch, 0, 1, 2, ...
    """
    ranks = np.linspace(0.0, 0.97, len(epochs)) if len(epochs) > 1 else np.array([0.5])
    colours = ListedColormap(list(matplotlib.colormaps["viridis"](ranks)))
    return colours, BoundaryNorm(np.arange(len(epochs) + 1) - 0.5, len(epochs))
