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

MOST_NUMBERS = 100
"""Numbers of a map that a convolution reads as one vector. It so takes 0.3 (16 positions), 0.5 (36) and 1.2 (64) of the
time of torch's own with 2 channels, 0.4 (16) and 2.1 (64) with 4 channels (14 networks at once, timed once)."""


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


def half_squared_error(prediction: Tensor, y: Tensor) -> Tensor:
    """(1/2) mean over samples of ||y - yhat||^2.

    >>> half_squared_error(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)).item()
    2.5
    """
    return (prediction - y).square().sum(1).mean() / 2


def dense(width: int) -> Layer:
    """Creates dense layers (width, width) in double precision, which small eigenvalues require."""
    return lambda: nn.Linear(width, width, bias=False, dtype=torch.float64)


def convolution(channels: int, height: int, width: int, device: torch.device) -> Layer:
    """Creates zero-padded 3x3 convolutions from `channels` to `channels` channels in double precision.

    Maps of the given size alone pass them, where they are small.
    """
    if device.type == "cpu" and channels * height * width <= MOST_NUMBERS:
        return lambda: SmallConvolution(channels, height, width)
    return lambda: nn.Conv2d(channels, channels, 3, padding=1, bias=False, dtype=torch.float64)


class SmallConvolution(nn.Conv2d):
    """A zero-padded 3x3 convolution of small maps, as one product with the matrix from all inputs to all outputs.

    In double precision, and of many networks at once, it takes a third of the time of torch's own on a CPU.
    """

    places: Tensor

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__(channels, channels, 3, padding=1, bias=False, dtype=torch.float64)
        self.register_buffer("places", places_of_weights(channels, height, width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width), the same shape."""
        entries = torch.cat([self.weight.flatten(), self.weight.new_zeros(1)])
        return (x.flatten(1) @ entries[self.places]).view(x.shape)


def places_of_weights(channels: int, height: int, width: int) -> Tensor:
    """Number of the weight between each input and each output of a 3x3 convolution; one beyond the last where none is.

    Returns:
        (inputs, outputs), where a map is a vector in the order of its memory.

    >>> places_of_weights(1, 1, 3).tolist()
    [[4, 3, 9], [5, 4, 3], [9, 5, 4]]
    """
    row = torch.arange(height).repeat_interleave(width)
    column = torch.arange(width).repeat(height)
    down, right = row[:, None] - row + 1, column[:, None] - column + 1
    sees = (down >= 0) & (down < 3) & (right >= 0) & (right < 3)
    channel = torch.arange(channels)
    kernel = channels * channel + channel[:, None]
    found = 9 * kernel[:, None, :, None] + (3 * down + right)[:, None]
    found = found.masked_fill(~sees[:, None], 9 * channels**2)
    return found.reshape(channels * height * width, -1)


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
