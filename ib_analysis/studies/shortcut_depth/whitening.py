"""Images as whitened vectors or maps, and labels as centred indicators."""

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
"""Images that are in memory as numbers at one time."""
SMALLEST_VARIANCE = 1e-6
"""A direction with a smaller share of the largest variance says nothing: to whiten it would blow up noise."""


@dataclass(frozen=True)
class Whitening:
    """z = D^(-1/2) V^T (x - mean) with the leading eigenvectors V and eigenvalues D of the covariance of x.

    On the vectors it was fitted to, z has mean 0 and E[z z^T] = I.
    """

    mean: Tensor
    """(d,)."""
    directions: Tensor
    """(d, kept): V D^(-1/2)."""

    @classmethod
    def of_moments(cls, mean: Tensor, covariance: Tensor, dimensions: int) -> Self:
        """The whitening onto so many principal components.

        Raises:
            UserError: fewer directions than that have a variance to speak of.
        """
        variances, vectors = torch.linalg.eigh(covariance)
        usable = int((variances > SMALLEST_VARIANCE * variances[-1]).sum())
        if usable < dimensions:
            raise UserError(
                f"the images vary in {usable} directions, fewer than the {dimensions} that the network is wide: "
                "choose a smaller width or larger patches."
            )
        kept = slice(len(variances) - dimensions, None)
        return cls(mean, (vectors[:, kept] / variances[kept].sqrt()).flip(1))

    def __call__(self, x: Tensor) -> Tensor:
        """(n, d) to (n, kept)."""
        return (x - self.mean) @ self.directions


@dataclass(frozen=True)
class WhitenedPatches:
    """An image as whitened, PCA-reduced patches of size x size pixels that do not overlap.

    As large as the image, the one patch makes a vector; smaller ones make a map of (channels, H / size, W / size),
    rows and columns that fill no patch being left out. Each place is whitened alike.
    """

    size: tuple[int, int]
    whitening: Whitening

    @classmethod
    def fit(cls, images: NDArray[np.uint8], size: tuple[int, int], dimensions: int) -> Self:
        """Mean and covariance over all patches of those images, (N, C, H, W), read in blocks."""
        count, total, products = 0, torch.zeros(1), torch.zeros(1)
        for start in range(0, len(images), BLOCK):
            x = patches(images[start : start + BLOCK], size).flatten(0, 2)
            count, total, products = count + len(x), total + x.sum(0), products + x.T @ x
        mean = total / count
        return cls(size, Whitening.of_moments(mean, products / count - torch.outer(mean, mean), dimensions))

    def __call__(self, images: NDArray[np.uint8]) -> Tensor:
        """(N, C, H, W) to (N, dimensions) for one patch an image, else to (N, dimensions, rows, columns); float64."""
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
    """[label = k] - share of class k, (N, classes), float64: the network has no biases, so its target has mean 0.

    >>> centred_indicators(np.array([1]), torch.tensor([0.5, 0.5])).tolist()
    [[-0.5, 0.5]]
    """
    return torch.nn.functional.one_hot(torch.from_numpy(np.array(labels)), len(shares)).double() - shares


def class_shares(labels: NDArray[np.int64], classes: int) -> Tensor:
    """How large a share of the labels each class has, (classes,), float64.

    >>> class_shares(np.array([0, 2, 2, 2]), 3).tolist()
    [0.25, 0.0, 0.75]
    """
    counts = np.bincount(np.array(labels), minlength=classes)
    return torch.from_numpy(counts / counts.sum())


def samples(part: Part, x: WhitenedPatches, shares: Tensor, most: int) -> Samples:
    """The part as the network sees it; at most so many images, evenly spaced."""
    rows = evenly_spaced(len(part), most)
    return Samples(x(part.images[rows]), centred_indicators(part.labels[rows], shares))
