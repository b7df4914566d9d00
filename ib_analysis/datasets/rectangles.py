"""Filled rectangles with integer corners, a finite universe of images."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from ib_analysis.datasets.image_law import FiniteLaw, binary_entropy_nats, flip_probability


@dataclass(frozen=True)
class Rectangles(FiniteLaw):
    """The uniform distribution over all C(S + 1, 2)^2 filled rectangles on S x S: H(x) = 2 log C(S + 1, 2).

    Rows y0 <= r < y1 and columns x0 <= c < x1 have the highest level, all other pixels are 0. The label is whether the
    area reaches the threshold that divides the rectangles most evenly.

    Attributes:
        size: S.
        levels: number of levels, of which only the lowest and the highest occur.
    """

    size: int
    levels: int
    class_names = ("small", "large")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(1, S, S)."""
        return 1, self.size, self.size

    @property
    def count(self) -> int:
        """C(S + 1, 2)^2."""
        return self._intervals**2

    @property
    def _intervals(self) -> int:
        """C(S + 1, 2), the number of intervals y0 < y1 on one axis."""
        return math.comb(self.size + 1, 2)

    @cached_property
    def area_threshold(self) -> int:
        """The smallest area of a large rectangle."""
        lengths = np.arange(1, self.size + 1)
        ways = self.size + 1 - lengths
        counts = np.bincount(np.outer(lengths, lengths).ravel(), np.outer(ways, ways).ravel())
        large = counts[::-1].cumsum()[::-1]  # rectangles of at least that area
        return int(np.abs(large - self._intervals**2 / 2).argmin())

    def render(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Image i has the row interval i div C(S + 1, 2) and the column interval i mod C(S + 1, 2)."""
        starts, ends = np.triu_indices(self.size + 1, 1)
        rows, columns = (self._mask(starts, ends, chosen) for chosen in np.divmod(indices, self._intervals))
        filled = rows[:, np.newaxis, :, np.newaxis] & columns[:, np.newaxis, np.newaxis, :]
        return np.where(filled, np.uint8(self.levels - 1), np.uint8(0))

    def _mask(
        self, starts: NDArray[np.int64], ends: NDArray[np.int64], chosen: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """The positions that each chosen interval covers, (n, size)."""
        position = np.arange(self.size)
        return (position >= starts[chosen, np.newaxis]) & (position < ends[chosen, np.newaxis])

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Whether the area is at least the threshold."""
        return ((images != 0).sum((1, 2, 3)) >= self.area_threshold).astype(np.int64)

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """-H(x) for a rectangle, -inf for any other image."""
        filled = images[:, 0] == self.levels - 1
        rows, columns = filled.any(2), filled.any(1)
        is_product = (filled == rows[:, :, np.newaxis] & columns[:, np.newaxis]).all((1, 2))
        two_levels = (filled | (images[:, 0] == 0)).all((1, 2))
        valid = is_product & two_levels & _is_interval(rows) & _is_interval(columns)
        return np.where(valid, -2 * math.log(self._intervals), -np.inf)

    def known(self, label_noise: float) -> dict[str, float]:
        """The known quantities, by counting all rectangles."""
        large = self._large_share(np.arange(1, self.size + 1))
        ways = self.size + 1 - np.arange(1, self.size + 1)
        hy = float(binary_entropy_nats(flip_probability(ways @ large / self._intervals, label_noise)))
        noise = float(binary_entropy_nats(label_noise))
        known = {"H(x)": 2 * math.log(self._intervals), "H(y)": hy, "I(y;x)": hy - noise}
        rows = range(1, self.size + 1)
        known |= {f"I(x;rows{t})": self._information_in_rows(t) for t in rows}
        return known | {f"I(y;rows{t})": hy - self._label_entropy_given_rows(t, label_noise) for t in rows}

    def _large_share(self, heights: NDArray[np.int64]) -> NDArray[np.float64]:
        """P(large | height) over uniform column intervals."""
        widths = np.arange(1, self.size + 1)
        ways = (self.size + 1 - widths) / self._intervals
        return (np.multiply.outer(heights, widths) >= self.area_threshold) @ ways

    def _information_in_rows(self, t: int) -> float:
        """H(top t rows): rectangles with y0 >= t are identical there; only y1 is hidden of those with y0 < t <= y1."""
        n = self._intervals
        blank = math.comb(self.size - t + 1, 2) / n
        whole = math.comb(t, 2)  # y1 < t: the interval is visible
        cut = (self.size - t + 1) / n  # probability of each of the t intervals that reach row t
        seen = whole * math.log(n) / n + t * float(entr(cut))
        return float(entr(blank)) + seen + (1 - blank) * math.log(n)

    def _label_entropy_given_rows(self, t: int, noise: float) -> float:
        """H(y | top t rows) = sum over the contents s of the rows of P(s) H2(P(y = 1 | s))."""
        n, S = self._intervals, self.size
        blank_heights = np.arange(1, S - t + 1)
        entropy = math.comb(t, 2) / n * float(binary_entropy_nats(noise))
        if len(blank_heights):
            ways = S - t + 1 - blank_heights
            large = float(ways @ self._large_share(blank_heights) / ways.sum())
            entropy += ways.sum() / n * float(binary_entropy_nats(flip_probability(large, noise)))
        widths = np.arange(1, S + 1)
        for y0 in range(t):
            heights = np.arange(t, S + 1) - y0  # y1 = t..S, not visible
            large_given_width = (np.multiply.outer(widths, heights) >= self.area_threshold).mean(1)
            unsure = binary_entropy_nats(flip_probability(large_given_width, noise))
            entropy += len(heights) / n * float((S + 1 - widths) / n @ unsure)
        return entropy


def _is_interval(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The rows of (n, S) that hold a single non-empty run: one step up and at most one step down.

    >>> _is_interval(np.array([[False, True, True], [True, False, True], [False, False, False]])).tolist()
    [True, False, False]
    """
    padded = np.pad(mask, ((0, 0), (1, 1)))
    return (~padded[:, :-1] & padded[:, 1:]).sum(1) == 1
