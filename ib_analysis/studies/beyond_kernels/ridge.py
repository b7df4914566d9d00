"""Linear methods: kernel ridge regression, and least squares over features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Selected:
    """The selected ridge with its validation and test errors, means of |prediction - y|^2."""

    ridge: float
    validation_error: float
    test_error: float


@dataclass(frozen=True)
class Grams:
    """A kernel between the training vectors and the training, validation and test vectors.

    Shapes (N, N), (validation, N), (test, N).
    """

    train: Tensor
    validation: Tensor
    test: Tensor

    @classmethod
    def of(cls, features: tuple[Tensor, Tensor, Tensor]) -> "Grams":
        """Inner products of features (n, features) of the three parts, whose kernel ridge is ridge over features."""
        train, validation, test = features
        return cls(train @ train.T, validation @ train.T, test @ train.T)


@dataclass(frozen=True)
class Targets:
    """Targets (n, outputs) of the three parts."""

    train: Tensor
    validation: Tensor
    test: Tensor


def mean_squared_norm(prediction: Tensor, y: Tensor) -> float:
    """Mean of |prediction - y|^2 over the rows; infinity if it is not finite.

    >>> mean_squared_norm(torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.zeros(2, 2))
    2.5
    """
    error = (prediction - y).square().sum(1).mean().item()
    return error if error < float("inf") else float("inf")


def coefficients(gram: Tensor, y: Tensor, ridges: Sequence[float]) -> Iterator[Tensor]:
    """(K + ridge s I)^-1 y for each ridge, (N, outputs), in double precision; s is the mean of K's diagonal.

    This is the minimiser of |K a - y|^2 + ridge s a^T K a. If rounding makes the matrix of a ridge indefinite, its
    coefficients are not a number.
    """
    gram, y = gram.double(), y.double()
    scale = gram.diagonal().mean()
    for ridge in ridges:
        matrix = gram.clone()
        matrix.diagonal().add_(ridge * scale)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        yield torch.full_like(y, torch.nan) if failed else torch.cholesky_solve(y, factor)


def kernel_ridge(grams: Grams, targets: Targets, ridges: Sequence[float]) -> Selected:
    """Kernel ridge regression with the ridge of smallest validation error."""
    validation, test = grams.validation.double(), grams.test.double()
    best = Selected(max(ridges), float("inf"), float("inf"))
    for ridge, alpha in zip(ridges, coefficients(grams.train, targets.train, ridges)):
        error = mean_squared_norm(validation @ alpha, targets.validation)
        if error < best.validation_error:
            best = Selected(ridge, error, mean_squared_norm(test @ alpha, targets.test))
    return best


def least_squares(features: tuple[Tensor, Tensor, Tensor], targets: Targets) -> Selected:
    """Linear regression over features without a ridge: the least-squares solution of minimal norm."""
    train, validation, test = (part.double() for part in features)
    solution = torch.linalg.pinv(train, rtol=1e-9) @ targets.train.double()
    return Selected(
        0.0,
        mean_squared_norm(validation @ solution, targets.validation),
        mean_squared_norm(test @ solution, targets.test),
    )
