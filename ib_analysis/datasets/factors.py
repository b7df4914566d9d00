"""Objects rendered from discrete factors, with exact information between an image and each factor."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from ib_analysis.datasets.image_law import (
    FiniteLaw,
    SymmetricNoise,
    label_facts,
    mutual_information_nats,
)

FACTORS = ("shape", "row", "column", "colour", "texture")
SHAPES = ("square", "frame", "cross", "diagonals")
TEXTURES = ("plain", "stripes", "bars", "squares")
SMALLEST_SIZE = 8


@dataclass(frozen=True)
class Factors(FiniteLaw):
    """One object on black, given by five independent uniform factors; different factors give different images.

    A shape fills a box of about half the size of the image. Its corner is any (row, column) for which the box lies in
    the image. The colour is any non-empty set of channels. The texture gives each pixel of the box full or half
    brightness. Each shape touches all four sides of its box and has no black pixel, so the image determines shape and
    position; hence H(x) = sum of log(number of values) over the factors, and I(x; factor) = log(number of its values).
    The label is the shape.

    Attributes:
        size: S, at least 8.
        levels: at least 3: black, half and full brightness.
        channels: 1 for grey, with one colour; 3 for RGB, with seven.

    >>> {name: len(law) for name, law in zip(FACTORS, Factors(8, 256, 3).values)}
    {'shape': 4, 'row': 5, 'column': 5, 'colour': 7, 'texture': 4}
    """

    size: int
    levels: int
    channels: int
    class_names = SHAPES

    def __post_init__(self) -> None:
        if self.size < SMALLEST_SIZE or self.levels < 3:
            raise ValueError(f"objects need {SMALLEST_SIZE} pixels and 3 levels")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, S, S)."""
        return self.channels, self.size, self.size

    @property
    def box(self) -> int:
        """Height and width of an object; an odd size would make two textures agree on the diagonals."""
        return 2 * (self.size // 4)

    @property
    def values(self) -> tuple[range, ...]:
        """The values of each factor, in the order of FACTORS."""
        positions = range(self.size - self.box + 1)
        return range(len(SHAPES)), positions, positions, range(2**self.channels - 1), range(len(TEXTURES))

    @property
    def count(self) -> int:
        """Product of the numbers of values."""
        return math.prod(len(values) for values in self.values)

    @cached_property
    def _patterns(self) -> NDArray[np.uint8]:
        """The box in one channel, 0, half or full, shape (shapes, textures, box, box)."""
        full, half = np.uint8(self.levels - 1), np.uint8(self.levels // 2)
        dark = _dark(self.box)
        return np.where(_masks(self.box)[:, np.newaxis], np.where(dark, half, full), np.uint8(0))

    def render(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The objects of those numbers; the last factor runs fastest."""
        sizes = tuple(len(values) for values in self.values)
        return self.render_factors(np.stack(np.unravel_index(indices, sizes), axis=1).astype(np.int64))

    def render_factors(self, factors: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The image of each row of factors (n, 5)."""
        shape, row, column, colour, texture = factors.T
        images = np.zeros((len(factors), *self.shape), np.uint8)
        inside = np.arange(self.box)
        rows = (row[:, np.newaxis] + inside)[:, np.newaxis, :, np.newaxis]
        columns = (column[:, np.newaxis] + inside)[:, np.newaxis, np.newaxis, :]
        lit = (colour[:, np.newaxis] + 1) >> np.arange(self.channels) & 1
        patch = lit[:, :, np.newaxis, np.newaxis] * self._patterns[shape, texture][:, np.newaxis]
        numbers = np.arange(len(factors))[:, np.newaxis, np.newaxis, np.newaxis]
        channels = np.arange(self.channels)[np.newaxis, :, np.newaxis, np.newaxis]
        images[numbers, channels, rows, columns] = patch
        return images

    def factors(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The factors that each image shows, (n, 5); of an image that shows no object, any."""
        brightness = images.max(1)
        corner = self.size - self.box
        row = np.minimum((brightness > 0).any(2).argmax(1), corner)
        column = np.minimum((brightness > 0).any(1).argmax(1), corner)
        inside = np.arange(self.box)
        numbers = np.arange(len(images))[:, np.newaxis, np.newaxis]
        patch = brightness[
            numbers,
            row[:, np.newaxis, np.newaxis] + inside[:, np.newaxis],
            column[:, np.newaxis, np.newaxis] + inside,
        ]
        same = (patch.reshape(len(images), 1, -1) == self._patterns.reshape(-1, self.box**2)).sum(2)
        shape, texture = np.divmod(same.argmax(1), len(TEXTURES))
        lit = images.any((2, 3)) @ (1 << np.arange(self.channels))
        return np.stack([shape, row, column, np.maximum(lit - 1, 0), texture], axis=1).astype(np.int64)

    def label(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The shape."""
        return self.factors(images)[:, 0]

    def log_probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """-H(x) for a rendered object, -inf for any other image."""
        valid = (self.render_factors(self.factors(images)) == images).all((1, 2, 3))
        return np.where(valid, -math.log(self.count), -np.inf)

    def known(self, label_noise: float) -> dict[str, float]:
        """The factors in closed form, rows by counting.

        Any visible pixel of the object determines the colour, which is independent of the other factors.
        """
        label = label_facts(np.full(len(SHAPES), 1 / len(SHAPES)), label_noise)
        known = {"H(x)": math.log(self.count)} | label
        known |= {f"I(x;{name})": math.log(len(v)) for name, v in zip(FACTORS, self.values)}
        noise = SymmetricNoise(label_noise, len(SHAPES)).matrix()
        positions, colours = len(self.values[1]), len(self.values[3])
        for t, joint in enumerate(self._rows_and_shapes, start=1):
            seen = min(t, positions) / positions
            known[f"I(x;rows{t})"] = float(entr(joint.sum(1)).sum()) + seen * math.log(colours)
            known[f"I(y;rows{t})"] = mutual_information_nats(joint @ noise)
        return known

    @cached_property
    def _rows_and_shapes(self) -> list[NDArray[np.float64]]:
        """P(content of the top t rows, shape) without the colour, one table (contents, shapes) for each t.

        Contents are numbered recursively: two images agree on t rows if they agree on t - 1 rows and on row t.
        """
        grey = Factors(self.size, 3, 1)
        images, n = grey.render(np.arange(grey.count))[:, 0], grey.count
        shape = np.arange(n) * len(SHAPES) // n
        group, tables = np.zeros(n, np.int64), []
        for t in range(self.size):
            rows = np.ascontiguousarray(images[:, t])
            _, row = np.unique(rows.view(f"V{self.size}").ravel(), return_inverse=True)
            _, group = np.unique(group * n + row, return_inverse=True)
            counts = np.bincount(group * len(SHAPES) + shape, minlength=(group.max() + 1) * len(SHAPES))
            tables.append(counts.reshape(-1, len(SHAPES)) / n)
        return tables


def _masks(box: int) -> NDArray[np.bool_]:
    """The pixels of the box that each shape fills, (shapes, box, box); each shape touches all four sides."""
    row, column = np.indices((box, box))
    middle = np.array([(box - 1) // 2, box // 2])
    frame = (np.minimum(row, column) == 0) | (np.maximum(row, column) == box - 1)
    cross = np.isin(row, middle) | np.isin(column, middle)
    diagonals = (row == column) | (row + column == box - 1)
    return np.stack([np.ones((box, box), bool), frame, cross, diagonals])


def _dark(box: int) -> NDArray[np.bool_]:
    """The pixels of the box that each texture dims, (textures, box, box)."""
    row, column = np.indices((box, box)) % 2 == 1
    return np.stack([np.zeros((box, box), bool), row, column, row ^ column])
