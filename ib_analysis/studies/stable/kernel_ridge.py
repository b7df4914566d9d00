"""What a kernel can tell apart: its effective rank, and kernel ridge regression on one-hot labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor


def effective_rank(kernel: Tensor) -> float:
    """exp(-sum_i p_i log p_i), p_i = eigenvalue_i / trace (Roy & Vetterli 2007, The effective rank, definition 1).

    Between 1, where all inputs look alike, and n, where the kernel is a multiple of the identity. The kernel is not
    centred: the direction that all inputs share counts.

    Args:
        kernel: symmetric and positive semi-definite, (n, n); eigenvalues below 0 are rounding and count as 0.

    >>> round(effective_rank(torch.eye(3)), 6), round(effective_rank(torch.ones(3, 3)), 4)
    (3.0, 1.0)
    """
    eigenvalues = torch.linalg.eigvalsh(kernel.double()).clamp(min=0)
    p = eigenvalues / eigenvalues.sum()
    return float(torch.special.entr(p).sum().exp())


@dataclass(frozen=True)
class Labelled:
    """The kernel between some images (rows) and the training images (columns), and the labels of the rows."""

    kernel: Tensor
    labels: Tensor

    def accuracy(self, coefficients: Tensor, offset: Tensor) -> float:
        """Share of the rows whose largest prediction is their label."""
        right = (self.kernel @ coefficients + offset).argmax(1) == self.labels
        return right.double().mean().item()


@dataclass(frozen=True)
class KernelRidge:
    """Least squares with a penalty: predictions k(x)^T (K + r t I)^-1 (Y - mean) + mean, t = trace(K) / n.

    Y are one-hot labels and t, the mean eigenvalue, makes the ridge r free of the kernel's unit.
    """

    eigenvalues: Tensor
    vectors: Tensor
    projected: Tensor
    """The eigenvectors times the centred one-hot labels, (n, classes)."""
    mean: Tensor

    @classmethod
    def of(cls, training: Labelled, classes: int) -> Self:
        """The regression on those images; the kernel is decomposed once for all ridges."""
        targets = F.one_hot(training.labels, classes).to(training.kernel)
        mean = targets.mean(0)
        eigenvalues, vectors = torch.linalg.eigh(training.kernel)
        return cls(eigenvalues, vectors, vectors.T @ (targets - mean), mean)

    def coefficients(self, ridge: float) -> Tensor:
        """(K + r t I)^-1 (Y - mean), (n, classes)."""
        penalised = self.eigenvalues.clamp(min=0) + ridge * self.eigenvalues.mean()
        return self.vectors @ (self.projected / penalised[:, None])

    def accuracy(self, images: Labelled, ridge: float) -> float:
        """On other images."""
        return images.accuracy(self.coefficients(ridge), self.mean)


@dataclass(frozen=True)
class RidgeResult:
    """The ridge that the validation images chose, and what it does on the evaluation images."""

    ridge: float
    validation_accuracy: float
    accuracy: float


def ridge_regression(
    training: Labelled, validation: Labelled, evaluation: Labelled, ridges: Sequence[float], classes: int
) -> RidgeResult:
    """Kernel ridge regression with the ridge of the best validation accuracy; the largest among equals."""
    regression = KernelRidge.of(training, classes)
    scored = [(regression.accuracy(validation, ridge), ridge) for ridge in ridges]
    best, ridge = max(scored)
    return RidgeResult(ridge, best, regression.accuracy(evaluation, ridge))
