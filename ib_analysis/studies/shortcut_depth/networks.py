"""The whitened images and the compared networks."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ib_analysis.datasets.dataset import Dataset
from ib_analysis.encoders.specs.shortcut_units import Layout, Nonlinearity, Shortcut
from ib_analysis.encoders.training.image_rows import evenly_spaced
from ib_analysis.encoders.training.seeding import generator
from ib_analysis.errors import UserError
from ib_analysis.studies.shortcut_depth.units import (
    Samples,
    UnitNetwork,
    convolution,
    dense,
    same_second_moments,
)
from ib_analysis.studies.shortcut_depth.whitening import WhitenedPatches, class_shares, samples
from ib_analysis.studies.specs.shortcut_depth import ShortcutDepthStudySpec

SHORTCUTS: tuple[Shortcut, ...] = ("none", 1, 2, 3)
READOUT = 90
"""Purpose of the seed of the read-out, which all networks of a seed share."""


@dataclass(frozen=True)
class Problem:
    """The task of all networks of one layout and seed: the three parts as samples, and the read-out."""

    layout: Layout
    size: int
    """Width of a dense layer, or channels of a convolution."""
    readout: Tensor | None
    training: Samples
    validation: Samples
    evaluation: Samples

    @classmethod
    def of(
        cls, spec: ShortcutDepthStudySpec, layout: Layout, seed: int, data: Dataset, device: torch.device
    ) -> Self:
        """Builds the task; whitening and class frequencies are computed on the encoder part.

        Raises:
            UserError: the width is below the number of classes, or above the number of directions in which images vary.
        """
        classes, header = len(data.header.class_names), data.header
        is_dense = layout == "dense"
        if is_dense and spec.width < classes:
            raise UserError(
                f"studies.shortcut_depth.width is {spec.width}: it must be at least the {classes} classes."
            )
        patch = (header.height, header.width) if is_dense else (spec.patch, spec.patch)
        size = spec.width if is_dense else spec.channels
        whitened = WhitenedPatches.fit(data.encoder.images, patch, size)
        shares = class_shares(data.encoder.labels, classes)
        most = spec.images if is_dense else spec.convolutional_images
        training = on_device(samples(data.encoder, whitened, shares, most), device)
        held_out = [
            on_device(samples(part, whitened, shares, len(part)), device)
            for part in (data.decoder, data.evaluation)
        ]
        length = math.prod(training.x.shape[1:])
        square = is_dense and length == classes
        readout = None if square else orthonormal_rows(classes, length, generator(seed, READOUT)).to(device)
        return cls(layout, size, readout, training, *held_out)

    def network(self, layers: int, shortcut: Shortcut, nonlinearity: Nonlinearity) -> UnitNetwork:
        """A network for this task, on its device."""
        x = self.training.x
        layer = (
            dense(self.size)
            if self.layout == "dense"
            else convolution(self.size, x.shape[2], x.shape[3], x.device)
        )
        return UnitNetwork(layer, layers, shortcut, nonlinearity, self.readout).to(x.device)

    def descended(self, nonlinearity: Nonlinearity) -> Samples:
        """Samples of gradient descent: the training samples, or an equivalent set for a linear network."""
        return same_second_moments(self.training) if nonlinearity == "identity" else self.training

    def curved(self, nonlinearity: Nonlinearity, most: int) -> Samples:
        """Samples of Hessians: the training samples, at most `most` of them for nonlinear convolutional networks."""
        if nonlinearity == "identity" or self.layout == "dense":
            return self.descended(nonlinearity)
        rows = torch.from_numpy(evenly_spaced(len(self.training.x), most)).to(self.training.x.device)
        return Samples(self.training.x[rows], self.training.y[rows])


def on_device(found: Samples, device: torch.device) -> Samples:
    """The samples on a device."""
    return Samples(found.x.to(device), found.y.to(device))


def orthonormal_rows(count: int, length: int, draws: torch.Generator) -> Tensor:
    """(count, length) with orthonormal rows, uniformly distributed, float64.

    Raises:
        UserError: `length` is smaller than `count`.
    """
    if length < count:
        raise UserError(
            f"a map of {length} numbers is too small for {count} classes: raise channels or lower patch"
        )
    return torch.nn.init.orthogonal_(torch.empty(count, length, dtype=torch.float64), generator=draws)


def least_loss(found: Samples) -> float:
    """The smallest loss of any linear map on the samples: (1/2) E||y - B x||^2 with least-squares B.

    >>> x = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    >>> round(least_loss(Samples(x, torch.cat([2 * x, torch.ones_like(x)], 1))), 6)
    0.5
    """
    x, y = found.x.flatten(1), found.y
    missed = y - x @ torch.linalg.lstsq(x, y).solution
    return missed.square().sum(1).mean().item() / 2
