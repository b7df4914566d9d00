"""Squared error between images, divided by lightness and colour and by spatial frequency.

An orthonormal transform of channels and pixels keeps squared distances (Parseval), so the parts of a division sum to
the whole error.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

Values = NDArray[np.float64]
Measure = Literal["class agreement", "squared error", "lightness", "colour", "frequency"]
# Rows: lightness (R + G + B), red against green, and both against blue; each of length 1.
OPPONENT = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[3.0], [2.0], [6.0]])


class Kind(NamedTuple):
    """What is compared: the whole error or a part of it. Bands of frequency have limits in cycles an image.

    A band holds frequencies above `low_cycles` and up to `high_cycles`; None is no limit.
    """

    measure: Measure
    low_cycles: float | None = None
    high_cycles: float | None = None


def coefficients(images: NDArray[np.uint8], levels: int) -> Values:
    """Levels as 0 to 1, channels as lightness and two colours, pixels as cosines; orthonormal.

    Args:
        images: shape (..., C, H, W); three channels are R, G and B.
        levels: number of levels of a sub-pixel.

    Returns:
        The same shape.
    """
    values = images.astype(np.float64) / (levels - 1)
    if images.shape[-3] == 3:
        values = np.einsum("dc,...chw->...dhw", OPPONENT, values)
    transformed: Values = dctn(values, axes=(-2, -1), norm="ortho")
    return transformed


def kinds(shape: tuple[int, int, int]) -> dict[Kind, NDArray[np.bool_]]:
    """The coefficients of each part of the error of images (C, H, W); lightness and colour of three channels only.

    Bands are octaves: up to 1 cycle an image (with the mean), 1 to 2, 2 to 4, ... The last one has no upper limit; it
    begins at a quarter of the longer side, which is half the highest frequency along it.

    >>> [kind.high_cycles for kind in kinds((1, 16, 16)) if kind.measure == "frequency"]
    [1.0, 2.0, 4.0, None]
    """
    whole = np.ones(shape, dtype=bool)
    found = {Kind("squared error"): whole}
    if shape[0] == 3:
        lightness = np.zeros(shape, dtype=bool)
        lightness[0] = True
        found |= {Kind("lightness"): lightness, Kind("colour"): ~lightness}
    cycles = np.broadcast_to(_cycles(*shape[1:]), shape)
    low: float | None = None
    for high in _edges(max(shape[1:])):
        above = cycles > low if low is not None else whole
        below = cycles <= high if high is not None else whole
        found[Kind("frequency", low, high)] = above & below
        low = high
    return found


def _cycles(height: int, width: int) -> Values:
    """Frequency of each coefficient, in cycles a longer side; cosine k of n pixels has k/2 cycles along them."""
    side = max(height, width)
    down = np.arange(height)[:, None] * (side / (2.0 * height))
    across = np.arange(width)[None, :] * (side / (2.0 * width))
    return np.hypot(down, across)


def _edges(side: int) -> list[float | None]:
    edges: list[float | None] = []
    edge = 1.0
    while edge <= side / 4:
        edges.append(edge)
        edge *= 2.0
    return [*edges, None]


def sums_of(squares: Values, chosen: dict[Kind, NDArray[np.bool_]]) -> dict[Kind, Values]:
    """The mean over sub-pixels of the squares (..., C, H, W) of each kind; parts sum to the whole."""
    count = int(np.prod(squares.shape[-3:]))
    flat = squares.reshape(*squares.shape[:-3], count)
    return {kind: flat @ mask.reshape(count).astype(np.float64) / count for kind, mask in chosen.items()}
