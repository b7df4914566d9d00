"""The networks of the theory, equal units without biases, and half the mean squared error."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ib_analysis.encoders.shortcut_units import Layer, draw_weights, unit
from ib_analysis.encoders.specs.shortcut_units import (
    Initialization,
    Nonlinearity,
    Shortcut,
    layers_of_a_unit,
)
from ib_analysis.errors import UserError


class Samples(NamedTuple):
    """Inputs and targets."""

    x: Tensor
    """(n, d), or (n, channels, height, width)."""
    y: Tensor
    """(n, classes)."""


class UnitNetwork(nn.Module):
    """yhat = R prod_r (I + W_{r,n} s(... s(W_{r,1} .))) x (Li et al. 2016), the unit r = 1 being applied first.

    s is the nonlinearity (`Unit`). R is a fixed read-out, (classes, d) on the flattened stream, or the identity.
    Without shortcuts the first layer reads x instead of s(x), so that the sign of x is not lost. The weights form one
    vector in the order of the parameters: by unit, W_1 first, each matrix row by row.
    """

    readout: Tensor | None

    def __init__(
        self,
        layer: Layer,
        layers: int,
        shortcut: Shortcut,
        nonlinearity: Nonlinearity,
        readout: Tensor | None = None,
    ) -> None:
        super().__init__()
        depth = layers_of_a_unit(shortcut)
        if layers % depth:
            raise UserError(f"layers: {layers} is not a multiple of {depth}, the layers of a unit.")
        self.units = nn.Sequential(*(unit(layer, shortcut, nonlinearity) for _ in range(layers // depth)))
        if shortcut == "none":
            self.units[0] = unit(layer, shortcut, nonlinearity, reads_raw=True)
        self.register_buffer("readout", readout)

    def forward(self, x: Tensor) -> Tensor:
        """(n, *shape) to (n, classes)."""
        h: Tensor = self.units(x)
        return h if self.readout is None else h.flatten(1) @ self.readout.T

    @property
    def weights(self) -> Tensor:
        """A copy of all weights as one vector."""
        return nn.utils.parameters_to_vector(self.units.parameters()).detach().clone()

    def initialised(self, how: Initialization, std: float, generator: torch.Generator) -> Tensor:
        """Draws new weights, sets them in the network and returns them as one vector."""
        draw_weights(self.units, how, std, generator)
        return self.weights

    def loss(self, weights: Tensor, samples: Samples) -> Tensor:
        """(1/2) mean over samples of ||y - yhat||^2 at the given weights (parameters,), a differentiable scalar."""
        return self.loss_at(self.named_weights(weights), samples)

    def loss_at(self, named: Mapping[str, Tensor], samples: Samples) -> Tensor:
        """The loss at weights by name."""
        return half_squared_error(functional_call(self, dict(named), (samples.x,)), samples.y)

    def named_weights(self, weights: Tensor) -> dict[str, Tensor]:
        """The parts of a vector (parameters,) by the names of the parameters, in their shapes."""
        named = list(self.named_parameters())
        pieces = weights.split([p.numel() for _, p in named])
        return {name: piece.view_as(p) for (name, p), piece in zip(named, pieces)}


class HalfSquaredError(nn.Module):
    """`half_squared_error` as a module; its `reduction` states that it is a mean over samples."""

    reduction = "mean"

    def forward(self, prediction: Tensor, y: Tensor) -> Tensor:
        """Scalar."""
        return half_squared_error(prediction, y)


def half_squared_error(prediction: Tensor, y: Tensor) -> Tensor:
    """(1/2) mean over samples of ||y - yhat||^2.

    >>> half_squared_error(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)).item()
    2.5
    """
    return (prediction - y).square().sum(1).mean() / 2


def dense(width: int) -> Layer:
    """Creates dense layers (width, width) in double precision, which small eigenvalues require."""
    return lambda: nn.Linear(width, width, bias=False, dtype=torch.float64)


def convolution(channels: int) -> Layer:
    """Creates zero-padded 3x3 convolutions from `channels` to `channels` channels in double precision."""
    return lambda: nn.Conv2d(channels, channels, 3, padding=1, bias=False, dtype=torch.float64)


def same_second_moments(samples: Samples) -> Samples:
    """At most d + classes samples on which every linear network has the same loss.

    This loss depends only on E[x x^T], E[y x^T] and E[y y^T]. With the QR decomposition [X Y] = Q R the rows of R have
    the same sums of products as those of [X Y]; scaled by sqrt(rows / n) they have the same means.
    """
    n, count = len(samples.x), samples.x[0].numel()
    together = torch.cat([samples.x.flatten(1), samples.y], 1)
    rows = torch.linalg.qr(together, mode="r").R
    rows = rows * (len(rows) / n) ** 0.5
    return Samples(rows[:, :count].reshape(-1, *samples.x.shape[1:]), rows[:, count:])
