"""Critics: small networks f(x, y) that score the dependence of two rows, for all pairs of a block."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# A feature whose deviation is this small a share of its size is constant but for rounding.
CONSTANT = 1e-10
# A column of so many different integers or fewer is a class, not a measurement.
MOST_CLASSES = 100


@dataclass(frozen=True)
class Standardiser:
    """Moves every feature to mean 0 and deviation 1, as measured on the fitting part alone.

    >>> rows = np.array([[1.0, 7.0], [3.0, 7.0]])
    >>> Standardiser.of(rows)(rows).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, rows: NDArray[np.float64]) -> Self:
        """The one of these rows (n, features); a constant feature is only centred, never divided by 0."""
        mean, deviation = rows.mean(0), rows.std(0)
        return cls(mean, np.where(deviation > CONSTANT * np.abs(mean), deviation, 1.0))

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows (n, features) on that scale."""
        scaled: NDArray[np.float64] = (rows - self.mean) / self.deviation
        return scaled


def one_hot_classes(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """A single column of at most 100 different integers as one column a value; other rows as they are.

    The map is injective, so no information is lost. A critic of class numbers would have to separate neighbouring
    numbers of unrelated classes.

    >>> one_hot_classes(np.array([[2.0], [7.0], [2.0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    if rows.shape[1] > 1 or (rows != np.round(rows)).any():
        return rows
    values, index = np.unique(rows[:, 0], return_inverse=True)
    if len(values) > MOST_CLASSES:
        return rows
    coded: NDArray[np.float64] = np.eye(len(values))[index]
    return coded


class CriticKind(StrEnum):
    """Architecture of a critic of x and y.

    separable: an inner product g(x) . k(y), with one forward pass for each row.
    concatenated: a network of (x, y); sharper where the dependence is local, with one forward pass for each pair.
    """

    SEPARABLE = "separable"
    CONCATENATED = "concatenated"


class Critic(nn.Module, ABC):
    """f(x_i, y_j) for all i and j; `offset` is what it gives where it has learned nothing."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(float(offset)))

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores (rows of x, rows of y) from x (rows, features) and y (rows, features)."""


class SeparableCritic(Critic):
    """f(x, y) = g(x) . k(y) / sqrt(width) + offset, with networks g and k of the same shape."""

    def __init__(self, x_features: int, y_features: int, hidden: Sequence[int], offset: float) -> None:
        super().__init__(offset)
        self.width = hidden[-1]
        self.g = multilayer_perceptron([x_features, *hidden, self.width])
        self.k = multilayer_perceptron([y_features, *hidden, self.width])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of all pairs, (rows of x, rows of y)."""
        scores: Tensor = self.g(x) @ self.k(y).T / self.width**0.5 + self.offset
        return scores


class ConcatenatedCritic(Critic):
    """f(x, y) = network of (x, y) together + offset.

    The first layer is linear, W [x; y] = W_x x + W_y y: it is done once for each row and summed for each pair.
    """

    def __init__(self, x_features: int, y_features: int, hidden: Sequence[int], offset: float) -> None:
        super().__init__(offset)
        self.of_x = nn.Linear(x_features, hidden[0])
        self.of_y = nn.Linear(y_features, hidden[0], bias=False)
        self.rest = multilayer_perceptron([*hidden, 1])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of all pairs, (rows of x, rows of y)."""
        first = torch.relu(self.of_x(x)[:, None] + self.of_y(y)[None])
        scores: Tensor = self.rest(first).squeeze(-1) + self.offset
        return scores


def multilayer_perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers of these widths with ReLU between them.

    >>> [type(layer).__name__ for layer in multilayer_perceptron([3, 8, 1])]
    ['Linear', 'ReLU', 'Linear']
    """
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def build_critic(
    kind: CriticKind, x_features: int, y_features: int, hidden: Sequence[int], offset: float
) -> Critic:
    """A critic whose weights come from torch's CPU generator as it stands."""
    made = SeparableCritic if kind == CriticKind.SEPARABLE else ConcatenatedCritic
    return made(x_features, y_features, hidden, offset)
