"""Images as whitened vectors or maps, and labels as centred indicator vectors."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.training.image_rows import evenly_spaced
from ib_analysis.errors import UserError
from ib_analysis.studies.shortcut_depth.units import Samples

BLOCK = 1024
"""Number of images that are in memory as floating-point numbers at a time."""
SMALLEST_VARIANCE = 1e-6
"""Directions with a smaller fraction of the largest variance are unusable, because whitening amplifies noise."""


@dataclass(frozen=True)
class Whitening:
    """z = D^(-1/2) V^T (x - mean) with the leading eigenvectors V and eigenvalues D of the covariance of x.

    On the vectors of the fit, z has mean 0 and E[z z^T] = I.
    """

    mean: Tensor
    """(d,)."""
    directions: Tensor
    """(d, kept): V D^(-1/2)."""

    @classmethod
    def of_moments(cls, mean: Tensor, covariance: Tensor, dimensions: int) -> Self:
        """The whitening onto the leading principal components.

        Raises:
            UserError: fewer directions have a usable variance.
        """
        variances, vectors = torch.linalg.eigh(covariance)
        usable = int((variances > SMALLEST_VARIANCE * variances[-1]).sum())
        if usable < dimensions:
            raise UserError(
                f"the images vary in {usable} directions, fewer than the width {dimensions} of the network: "
                "choose a smaller width or larger patches."
            )
        kept = slice(len(variances) - dimensions, None)
        return cls(mean, (vectors[:, kept] / variances[kept].sqrt()).flip(1))

    def __call__(self, x: Tensor) -> Tensor:
        """(n, d) to (n, kept)."""
        return (x - self.mean) @ self.directions


@dataclass(frozen=True)
class WhitenedPatches:
    """Non-overlapping patches of size x size pixels, whitened and reduced by PCA.

    A patch of the size of the image gives a vector; smaller patches give a map (channels, H / size, W / size), without
    incomplete patches at the border. All positions share one whitening.
    """

    size: tuple[int, int]
    whitening: Whitening

    @classmethod
    def fit(cls, images: NDArray[np.uint8], size: tuple[int, int], dimensions: int) -> Self:
        """Fits mean and covariance over all patches of the images (N, C, H, W), read in blocks."""
        count, total, products = 0, torch.zeros(1), torch.zeros(1)
        for start in range(0, len(images), BLOCK):
            x = patches(images[start : start + BLOCK], size).flatten(0, 2)
            count, total, products = count + len(x), total + x.sum(0), products + x.T @ x
        mean = total / count
        return cls(size, Whitening.of_moments(mean, products / count - torch.outer(mean, mean), dimensions))

    def __call__(self, images: NDArray[np.uint8]) -> Tensor:
        """(N, C, H, W) to (N, dimensions) for one patch per image, else to (N, dimensions, rows, columns); float64."""
        blocks = [images[i : i + BLOCK] for i in range(0, len(images), BLOCK)]
        z = torch.cat([self.whitening(patches(block, self.size)) for block in blocks]).movedim(3, 1)
        return z.flatten(1) if z.shape[2:] == (1, 1) else z.contiguous()


def patches(images: NDArray[np.uint8], size: tuple[int, int]) -> Tensor:
    """(N, C, H, W) to (N, H / size, W / size, C * size * size), float64.

    >>> patches(np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4), (2, 2))[0, 0, 1].tolist()
    [2.0, 3.0, 6.0, 7.0]
    """
    x = torch.from_numpy(images.astype(np.float64))
    cut = x.unfold(2, size[0], size[0]).unfold(3, size[1], size[1])
    return cut.permute(0, 2, 3, 1, 4, 5).flatten(3)


def centred_indicators(labels: NDArray[np.int64], shares: Tensor) -> Tensor:
    """[label = k] - frequency of class k, (N, classes), float64; mean 0, since the network has no biases.

    >>> centred_indicators(np.array([1]), torch.tensor([0.5, 0.5])).tolist()
    [[-0.5, 0.5]]
    """
    return torch.nn.functional.one_hot(torch.from_numpy(np.array(labels)), len(shares)).double() - shares


def class_shares(labels: NDArray[np.int64], classes: int) -> Tensor:
    """Frequency of each class among the labels, (classes,), float64.

    >>> class_shares(np.array([0, 2, 2, 2]), 3).tolist()
    [0.25, 0.0, 0.75]
    """
    counts = np.bincount(np.array(labels), minlength=classes)
    return torch.from_numpy(counts / counts.sum())


def samples(part: Part, x: WhitenedPatches, shares: Tensor, most: int) -> Samples:
    """Inputs and targets of at most `most` evenly spaced images of a part."""
    rows = evenly_spaced(len(part), most)
    return Samples(x(part.images[rows]), centred_indicators(part.labels[rows], shares))
