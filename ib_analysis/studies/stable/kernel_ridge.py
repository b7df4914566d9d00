"""The effective rank of a kernel, and kernel ridge regression on one-hot labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor


def effective_rank(kernel: Tensor) -> float:
    """exp(-sum_i p_i log p_i), p_i = eigenvalue_i / trace (Roy & Vetterli 2007, The effective rank, definition 1).

    It is 1 if all inputs are identical and n if the kernel is a multiple of the identity. The kernel is not centred, so
    the common direction of all inputs counts.

    Args:
        kernel: symmetric and positive semi-definite, (n, n); eigenvalues below 0 due to rounding count as 0.

    >>> round(effective_rank(torch.eye(3)), 6), round(effective_rank(torch.ones(3, 3)), 4)
    (3.0, 1.0)
    """
    eigenvalues = torch.linalg.eigvalsh(kernel.double()).clamp(min=0)
    p = eigenvalues / eigenvalues.sum()
    return float(torch.special.entr(p).sum().exp())


@dataclass(frozen=True)
class Labelled:
    """The kernel between images (rows) and the training images (columns), and the labels of the rows."""

    kernel: Tensor
    labels: Tensor

    def accuracy(self, coefficients: Tensor, offset: Tensor) -> float:
        """Fraction of the rows whose largest prediction is their label."""
        right = (self.kernel @ coefficients + offset).argmax(1) == self.labels
        return right.double().mean().item()


@dataclass(frozen=True)
class KernelRidge:
    """Kernel ridge regression: predictions k(x)^T (K + r t I)^-1 (Y - mean) + mean, t = trace(K) / n.

    Y are one-hot labels. The mean eigenvalue t makes the ridge r independent of the scale of the kernel.
    """

    eigenvalues: Tensor
    vectors: Tensor
    projected: Tensor
    """The product of the transposed eigenvectors and the centred one-hot labels, (n, classes)."""
    mean: Tensor

    @classmethod
    def of(cls, training: Labelled, classes: int) -> Self:
        """The regression on the training images; the kernel is decomposed once for all ridges."""
        targets = F.one_hot(training.labels, classes).to(training.kernel)
        mean = targets.mean(0)
        eigenvalues, vectors = torch.linalg.eigh(training.kernel)
        return cls(eigenvalues, vectors, vectors.T @ (targets - mean), mean)

    def coefficients(self, ridge: float) -> Tensor:
        """(K + r t I)^-1 (Y - mean), (n, classes)."""
        penalised = self.eigenvalues.clamp(min=0) + ridge * self.eigenvalues.mean()
        return self.vectors @ (self.projected / penalised[:, None])

    def accuracy(self, images: Labelled, ridge: float) -> float:
        """Accuracy on other images."""
        return images.accuracy(self.coefficients(ridge), self.mean)


@dataclass(frozen=True)
class RidgeResult:
    """The ridge selected on validation images, and its accuracies."""

    ridge: float
    validation_accuracy: float
    accuracy: float


def ridge_regression(
    training: Labelled, validation: Labelled, evaluation: Labelled, ridges: Sequence[float], classes: int
) -> RidgeResult:
    """Kernel ridge regression with the ridge of highest validation accuracy; the largest ridge wins ties."""
    regression = KernelRidge.of(training, classes)
    scored = [(regression.accuracy(validation, ridge), ridge) for ridge in ridges]
    best, ridge = max(scored)
    return RidgeResult(ridge, best, regression.accuracy(evaluation, ridge))
