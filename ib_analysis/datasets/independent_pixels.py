"""Independent sub-pixels, identically distributed within a channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.discretized_logistic import entropy_nats, probabilities
from ib_analysis.datasets.half_label import CLASS_NAMES, half_label, half_shares
from ib_analysis.datasets.image_law import ImageLaw, label_facts, log_nats, rows_of_label_in_first_row


@dataclass(frozen=True, eq=False)
class IndependentPixels(ImageLaw):
    """p(x) = prod over pixels and channels of p_c(x_c): H(x) = size^2 sum_c H(p_c).

    The label is whether the first sub-pixel is in the upper half of the levels.

    Attributes:
        size: height and width in pixels.
        pixel: p_c, the probability of each level in each channel, shape (C, levels).
    """

    size: int
    pixel: NDArray[np.float64]
    class_names = CLASS_NAMES

    @classmethod
    def logistic(cls, size: int, levels: int, means: Sequence[float], scales: Sequence[float]) -> Self:
        """Discretized logistics with one mean and one scale per channel, in levels.

        >>> from ib_analysis.units import bits
        >>> law = IndependentPixels.logistic(8, 256, means=(127.5, 127.5, 60), scales=(5, 20, 10))
        >>> round(bits(law.known(0.0)["H(x)"]) / 64, 4)
        18.5905
        """
        return cls(size, np.stack([probabilities(m, s, levels) for m, s in zip(means, scales, strict=True)]))

    @classmethod
    def uniform(cls, size: int, levels: int, channels: int) -> Self:
        """Uniform levels: log2(levels) bits per sub-pixel."""
        return cls(size, np.full((channels, levels), 1 / levels))

    @property
    def levels(self) -> int:  # type: ignore[override]
        """Number of levels of a sub-pixel."""
        return self.pixel.shape[1]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return len(self.pixel), self.size, self.size

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draws channel by channel, by inversion of the distribution function."""
        images = np.empty((n, *self.shape), np.uint8)
        for channel, p in enumerate(self.pixel):
            ends = np.cumsum(p)[:-1]
            images[:, channel] = np.searchsorted(ends, rng.random((n, self.size, self.size)), side="right")
        return images

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Whether the first sub-pixel is in the upper half of the levels."""
        return half_label(images, self.levels)

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The sum over all sub-pixels."""
        channel = np.arange(len(self.pixel))[:, np.newaxis, np.newaxis]
        return log_nats(self.pixel)[channel, images].sum((1, 2, 3))

    def known(self, label_noise: float) -> dict[str, float]:
        """Rows are independent: I(x;rows<t>) = t size sum_c H(p_c)."""
        row = self.size * float(entropy_nats(self.pixel).sum())
        label = label_facts(half_shares(self.pixel[0]), label_noise)
        rows = {f"I(x;rows{t})": t * row for t in range(1, self.size + 1)}
        return {"H(x)": self.size * row} | label | rows | rows_of_label_in_first_row(self.size, label)
