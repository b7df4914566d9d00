"""Random low bits added to another law: information that is independent of the label and of the objects."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.image_law import ImageLaw


@dataclass(frozen=True)
class LowBits(ImageLaw):
    """x = 2^k u + e: u from another law, e uniform on 0..2^k-1, independent at each of D sub-pixels.

    H(x) = H(u) + k D log 2. The entropy of the top t rows, with width W and C channels, exceeds that of u by
    k t W C log 2. The label is that of u.

    Attributes:
        law: the law of u.
        bits: k.

    >>> from ib_analysis.datasets.rectangles import Rectangles
    >>> from ib_analysis.units import bits
    >>> round(bits(LowBits(Rectangles(8, 64), 2).known(0.0)["H(x)"]), 3)
    138.34
    """

    law: ImageLaw
    bits: int

    def __post_init__(self) -> None:
        if self.bits < 1 or self.levels > 256:
            raise ValueError(f"{self.bits} low bits and {self.law.levels} levels do not fit into a byte")

    @property
    def levels(self) -> int:  # type: ignore[override]
        """2^k times the number of levels of u."""
        return self.law.levels << self.bits

    @property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The values of u."""
        return self.law.class_names

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of u."""
        return self.law.shape

    @property
    def _nats_per_sub_pixel(self) -> float:
        return math.log(2**self.bits)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draws u, shifts it and adds random low bits."""
        high = np.left_shift(self.law.draw(n, rng), np.uint8(self.bits))
        return high | rng.integers(0, 1 << self.bits, high.shape, np.uint8)

    def high(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """u of each image."""
        return np.right_shift(images, np.uint8(self.bits))

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The label of u."""
        return self.law.label(self.high(images))

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """log p(u) - k D log 2."""
        return self.law.log_probability(self.high(images)) - self.dimensions * self._nats_per_sub_pixel

    def known(self, label_noise: float) -> dict[str, float]:
        """The entries of u plus k log 2 for each visible sub-pixel."""
        channels, height, width = self.shape
        row = channels * width * self._nats_per_sub_pixel
        known = self.law.known(label_noise)
        added = {"H(x)": height * row} | {f"I(x;rows{t})": t * row for t in range(1, height + 1)}
        return {name: nats + added.get(name, 0.0) for name, nats in known.items()}

    def standard_errors(self) -> dict[str, float]:
        """The values of u."""
        return self.law.standard_errors()
