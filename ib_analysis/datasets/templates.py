"""One of a few templates on a fixed half of the sub-pixels, and random levels on the other half."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from ib_analysis.datasets.image_law import ImageLaw, SymmetricNoise, label_facts, mutual_information_nats


@dataclass(frozen=True)
class Templates(ImageLaw):
    """The mixture of K templates: x shows template k, uniform on 0..K-1, where the mask is set; all else is uniform.

    Mask and templates are drawn once, by `seed`. Two templates differ somewhere, so an image tells its template. With
    f sub-pixels outside the mask and q levels H(x) = log K + f log q. The label is the number of the template.

    Attributes:
        size: height and width in pixels.
        levels: number of levels, q.
        channels: 1 for grey, 3 for RGB.
        count: K.
        seed: seed of the mask and the templates.

    >>> from ib_analysis.units import bits
    >>> round(bits(Templates(8, 4, 1, 16).known(0.0)["H(x)"]), 6)
    68.0
    """

    size: int
    levels: int
    channels: int
    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 2 or len(self.patterns) < self.count:
            raise ValueError(
                f"{self.count} templates of {self.levels} levels: give two or more, and no more than differ"
            )

    @property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The numbers of the templates."""
        return tuple(map(str, range(self.count)))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, S, S)."""
        return self.channels, self.size, self.size

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Where a template shows, (C, S, S): half of the sub-pixels."""
        order = np.random.default_rng([self.seed, 0]).permutation(self.dimensions)
        return (order < self.dimensions // 2).reshape(self.shape)

    @cached_property
    def patterns(self) -> NDArray[np.uint8]:
        """The levels of each template at the sub-pixels of the mask, (K, dimensions // 2); no two are equal."""
        rng = np.random.default_rng([self.seed, 1])
        drawn = rng.integers(0, self.levels, (4 * self.count, self.dimensions // 2), np.uint8)
        _, first = np.unique(drawn, axis=0, return_index=True)
        return drawn[np.sort(first)[: self.count]]

    @property
    def _free(self) -> NDArray[np.int64]:
        """Number of sub-pixels outside the mask in the top t rows, t = 1..S."""
        return np.asarray((~self.mask).sum((0, 2)).cumsum(), np.int64)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draws random levels everywhere, then a template over them."""
        images = rng.integers(0, self.levels, (n, *self.shape), np.uint8)
        images[:, self.mask] = self.patterns[rng.integers(0, self.count, n)]
        return images

    def _agreement(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Number of sub-pixels of the mask that agree with each template, (n, K)."""
        shown = images[:, self.mask]
        return np.stack([(shown == pattern).sum(1) for pattern in self.patterns], axis=1)

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The number of the template; of an image that shows none, the nearest."""
        return self._agreement(images).argmax(1)

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """-H(x) where a template shows, -inf for any other image."""
        whole = self._agreement(images).max(1) == self.patterns.shape[1]
        return np.where(whole, -self._nats(self.size, math.log(self.count)), -np.inf)

    def _nats(self, rows: int, of_template: float) -> float:
        """Entropy of the top rows, of which the template takes `of_template`."""
        return of_template + int(self._free[rows - 1]) * math.log(self.levels)

    def known(self, label_noise: float) -> dict[str, float]:
        """Rows by counting what of the templates differs there."""
        noise = SymmetricNoise(label_noise, self.count).matrix()
        known = label_facts(np.full(self.count, 1 / self.count), label_noise)
        known["H(x)"] = self._nats(self.size, math.log(self.count))
        row_of = np.broadcast_to(np.arange(self.size)[:, np.newaxis], self.shape)[self.mask]
        for t in range(1, self.size + 1):
            _, seen = np.unique(self.patterns[:, row_of < t], axis=0, return_inverse=True)
            joint = np.zeros((self.count, self.count))
            joint[seen.ravel(), np.arange(self.count)] = 1 / self.count
            known[f"I(x;rows{t})"] = self._nats(t, float(entr(joint.sum(1)).sum()))
            known[f"I(y;rows{t})"] = mutual_information_nats(joint @ noise)
        return known
