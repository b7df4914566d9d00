"""The evaluation images that an original is compared with: the others of its class, and all others."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.dataset import Part
from ib_analysis.forgetting.squared_error import Values, coefficients

BLOCK = 2048


@dataclass(frozen=True)
class OtherImages:
    """Sums over a part, from which the mean over all images but one follows for each of them.

    `counts` are images a class, `sums` and `squares` those of coefficients, shape (classes, C, H, W); `told[k, c]` is
    how many images of class k the judge tells to be of class c.
    """

    counts: NDArray[np.int64]
    sums: Values
    squares: Values
    told: NDArray[np.int64]

    @classmethod
    def of(cls, part: Part, levels: int, classes: int, told: NDArray[np.int64]) -> "OtherImages":
        """From a part (N images) and the classes (N,) that the judge tells."""
        shape = (classes, *part.images.shape[1:])
        sums, squares = np.zeros(shape), np.zeros(shape)
        for rows in _blocks(len(part)):
            found, labels = coefficients(part.images[rows], levels), part.labels[rows]
            np.add.at(sums, labels, found)
            np.add.at(squares, labels, found**2)
        table = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(table, (part.labels, told), 1)
        return cls(np.bincount(part.labels, minlength=classes), sums, squares, table)

    def squared_distances(self, originals: Values, labels: NDArray[np.int64], same_class: bool) -> Values:
        """Mean over the others of the squared difference to each original, by coefficient.

        Args:
            originals: coefficients of images of the part, (n, C, H, W).
            labels: their classes, (n,).
            same_class: whether the others are of the class of the original.

        Returns:
            Shape of originals; nan where there is no other image.
        """
        if same_class:
            counts, sums, squares = self.counts[labels], self.sums[labels], self.squares[labels]
        else:
            counts = np.full(len(labels), self.counts.sum())
            sums, squares = self.sums.sum(axis=0), self.squares.sum(axis=0)
        n = counts[:, None, None, None].astype(np.float64)
        # The difference to itself is 0, so the sum over the others is that over all.
        total = np.maximum(n * originals**2 - 2.0 * originals * sums + squares, 0.0)
        return np.divide(total, n - 1.0, out=np.full_like(total, np.nan), where=n > 1.0)

    def agreement(self, labels: NDArray[np.int64], told: NDArray[np.int64], same_class: bool) -> Values:
        """Share of the others that the judge tells to be of the original's class, (n,); nan where there is none."""
        own = (told == labels).astype(np.int64)
        agree = self.told[labels, labels] if same_class else self.told.sum(axis=0)[labels]
        counts = self.counts[labels] if same_class else np.full(len(labels), self.counts.sum())
        found = np.full(len(labels), np.nan)
        return np.divide(agree - own, counts - 1.0, out=found, where=counts > 1)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, count, BLOCK))
