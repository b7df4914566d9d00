"""The networks of the experiment: a three-layer ResNet, and nets without its shortcut.

Weights may have a leading axis of runs, so that all runs of one size are computed together. A weight of shape
(fan-in + 1, fan-out) holds the biases in its last row.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ib_analysis.studies.specs.beyond_kernels import Net

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Pass:
    """What one forward pass computes.

    `layers` are the layers in network order, the last of them `out`. For each trained weight, `inputs` is what it is
    multiplied with, without the 1 of the bias, and `before` its product, before the ReLU.
    """

    layers: dict[str, Tensor]
    inputs: dict[str, Tensor]
    before: dict[str, Tensor]


@dataclass(frozen=True)
class Learner(ABC):
    """A network of which only the hidden weights are trained; its last matrix A stays as it was drawn.

    A, biases and every weight that does not read x are drawn from N(0, 1 / width), weights that read x from
    N(0, 1 / inputs).
    """

    width: int
    inputs: int
    outputs: int
    trained: ClassVar[tuple[str, ...]]
    first_block: ClassVar[str | None] = None
    """The layer that is A relu(W (x, 1)), if the net has it."""

    @abstractmethod
    def run(self, weights: Mapping[str, Tensor], x: Tensor) -> Pass:
        """The forward pass of x, (..., n, inputs)."""

    @abstractmethod
    def start(self, generator: torch.Generator) -> Weights:
        """The weights of one run before training, without the axis of runs."""

    def out(self, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """The output of the network, (..., n, outputs)."""
        return self.run(weights, x).layers["out"]

    def _drawn(self, fan_in: int, fan_out: int, variance: float, generator: torch.Generator) -> Tensor:
        """Draws weights of the given variance, with biases of variance 1 / width in the last row."""
        drawn = torch.randn(fan_in + 1, fan_out, generator=generator)
        drawn[:-1] *= math.sqrt(variance)
        drawn[-1] *= math.sqrt(1 / self.width)
        return drawn

    def _first(self, generator: torch.Generator) -> Tensor:
        return self._drawn(self.inputs, self.width, 1 / self.inputs, generator)

    def _last(self, generator: torch.Generator) -> Tensor:
        return torch.randn(self.width, self.outputs, generator=generator) * math.sqrt(1 / self.width)


def affine(x: Tensor, weight: Tensor) -> Tensor:
    """(x, 1) times the weight, (..., n, fan-out).

    >>> affine(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0], [5.0]])).tolist()
    [[16.0]]
    """
    return x @ weight[..., :-1, :] + weight[..., -1:, :]


class ThreeLayerResNet(Learner):
    """out1 = A relu(W (x, 1)); out = out1 + A relu(V (out1, 1)); W and V are trained, A is used twice."""

    trained = ("W", "V")
    first_block = "out1"

    def start(self, generator: torch.Generator) -> Weights:
        """W (inputs + 1, width), V (outputs + 1, width), A (width, outputs)."""
        W = self._first(generator)
        V = self._drawn(self.outputs, self.width, 1 / self.width, generator)
        return {"W": W, "V": V, "A": self._last(generator)}

    def run(self, weights: Mapping[str, Tensor], x: Tensor) -> Pass:
        """Layers hidden1 (width), out1 (outputs), hidden2 (width), out (outputs)."""
        before1 = affine(x, weights["W"])
        hidden1 = torch.relu(before1)
        out1 = hidden1 @ weights["A"]
        before2 = affine(out1, weights["V"])
        hidden2 = torch.relu(before2)
        layers = {"hidden1": hidden1, "out1": out1, "hidden2": hidden2, "out": out1 + hidden2 @ weights["A"]}
        return Pass(layers, {"W": x, "V": out1}, {"W": before1, "V": before2})


class ThreeLayerNet(Learner):
    """out = A relu(V (relu(W (x, 1)), 1)) without a shortcut; W and the square V are trained."""

    trained = ("W", "V")

    def start(self, generator: torch.Generator) -> Weights:
        """W (inputs + 1, width), V (width + 1, width), A (width, outputs)."""
        W = self._first(generator)
        V = self._drawn(self.width, self.width, 1 / self.width, generator)
        return {"W": W, "V": V, "A": self._last(generator)}

    def run(self, weights: Mapping[str, Tensor], x: Tensor) -> Pass:
        """Layers hidden1 (width), hidden2 (width), out (outputs)."""
        before1 = affine(x, weights["W"])
        hidden1 = torch.relu(before1)
        before2 = affine(hidden1, weights["V"])
        hidden2 = torch.relu(before2)
        layers = {"hidden1": hidden1, "hidden2": hidden2, "out": hidden2 @ weights["A"]}
        return Pass(layers, {"W": x, "V": hidden1}, {"W": before1, "V": before2})


class TwoLayerNet(Learner):
    """out = A relu(W (x, 1)); W is trained."""

    trained = ("W",)
    first_block = "out"

    def start(self, generator: torch.Generator) -> Weights:
        """W (inputs + 1, width), A (width, outputs)."""
        return {"W": self._first(generator), "A": self._last(generator)}

    def run(self, weights: Mapping[str, Tensor], x: Tensor) -> Pass:
        """Layers hidden1 (width), out (outputs)."""
        before = affine(x, weights["W"])
        hidden1 = torch.relu(before)
        return Pass({"hidden1": hidden1, "out": hidden1 @ weights["A"]}, {"W": x}, {"W": before})


LEARNERS: dict[Net, type[Learner]] = {"resnet": ThreeLayerResNet, "net3": ThreeLayerNet, "net2": TwoLayerNet}
