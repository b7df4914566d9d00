"""Colours can be told apart, also by readers without red or green cones."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from ib_analysis.figures.style.palette import OKABE_ITO, epoch_colours, tap_colours, tap_markers

# Viénot, Brettel and Mollon (1999): what a dichromat sees of linear RGB.
PROTANOPE = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, -0.0], [0.00401, -0.00401, 1.0]])
DEUTERANOPE = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, -0.0], [-0.02234, 0.02234, 1.0]])


def linear(colour):
    return np.array(to_rgb(colour)) ** 2.2


@pytest.mark.parametrize("cones", [np.eye(3), PROTANOPE, DEUTERANOPE])
def test_neighbouring_taps_differ(cones):
    seen = [np.clip(cones @ linear(c), 0, 1) ** (1 / 2.2) for c in OKABE_ITO]
    assert min(np.linalg.norm(a - b) for a, b in pairwise(seen)) > 0.15


def test_epochs_grow_lighter():
    colours, norm = epoch_colours([0, 1, 10, 100, 200])
    light = [np.dot([0.2126, 0.7152, 0.0722], linear(colours(norm(i))[:3])) for i in range(5)]
    assert light == sorted(light)
    assert min(np.diff(light)) > 0.02


def test_a_tap_keeps_its_colour_and_marker():
    taps = [f"h{i}" for i in range(9)]
    assert len({(tap_colours(taps)[t], tap_markers(taps)[t]) for t in taps}) == 9
