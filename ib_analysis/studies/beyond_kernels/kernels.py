"""Kernels in closed form: conjugate and neural tangent kernels of the three nets, and a polynomial kernel.

Each is the expectation over the initial weights at large width; the width remains where it weighs layers. Tangent
kernels are those of the trained weights W and V of the learners, for one output. Vectors are rows, (n, inputs) and
(n', inputs), and every kernel is (n, n'). The arc-cosine functions are those of Cho & Saul 2009, the recursion that of
Jacot, Gabriel & Hongler 2018 (arXiv 1806.07572), proposition 1 and theorem 1.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ib_analysis.studies.arc_cosine import kappa_0, kappa_1
from ib_analysis.studies.specs.beyond_kernels import Net


@dataclass(frozen=True)
class SecondMoments:
    """E[u u'] of the input u of a unit for two vectors, and E[u^2] of each, for centred Gaussian u."""

    between: Tensor
    left: Tensor
    right: Tensor

    @classmethod
    def of(cls, x: Tensor, z: Tensor) -> Self:
        """Second moments given by the inner products of the rows."""
        return cls(x @ z.T, x.square().sum(1), z.square().sum(1))

    def scaled(self, factor: float, constant: float = 0.0) -> Self:
        """factor E[u u'] + constant, which accounts for weights and a bias."""
        return type(self)(*(factor * moment + constant for moment in (self.between, self.left, self.right)))

    def relu(self) -> Self:
        """E[relu(u) relu(u')] = |u| |u'| kappa_1 / 2, and E[relu(u)^2] = E[u^2] / 2."""
        return type(self)(0.5 * self._scale * kappa_1(self.correlation), 0.5 * self.left, 0.5 * self.right)

    def slopes(self) -> Tensor:
        """E[relu'(u) relu'(u')] = kappa_0 / 2."""
        return 0.5 * kappa_0(self.correlation)

    @property
    def correlation(self) -> Tensor:
        """Correlation of u and u'."""
        return self.between / self._scale

    @property
    def _scale(self) -> Tensor:
        return torch.sqrt(self.left[:, None] * self.right)


@dataclass(frozen=True)
class _Layers:
    """Moments used by all kernels of a net: of (x, 1), before and after hidden1, of (stream, 1), before hidden2.

    The stream is the input of the second layer: hidden1 (net3), or out1, whose coordinates have variance E[relu(u)^2]
    (resnet). The second layer's weights and biases have variance 1 / width. The k coordinates of out1 enter by their
    mean, which is exact for large k.
    """

    read: SecondMoments
    before1: SecondMoments
    hidden1: SecondMoments
    stream: SecondMoments
    before2: SecondMoments

    @classmethod
    def of(cls, x: Tensor, z: Tensor, width: int, stream_size: int) -> Self:
        products = SecondMoments.of(x, z)
        before1 = products.scaled(1 / x.shape[1], 1 / width)
        hidden1 = before1.relu()
        stream = hidden1.scaled(stream_size, 1.0)
        return cls(products.scaled(1.0, 1.0), before1, hidden1, stream, stream.scaled(1 / width))


def conjugate(net: Net, x: Tensor, z: Tensor, width: int, outputs: int) -> Tensor:
    """The kernel of the hidden features that enter the fixed A, per unit.

    net2: E[relu(u) relu(u')], u = W (x, 1). net3: the same for the second layer. resnet: the sum of both hidden layers.
    """
    if net == "net2":
        return _Layers.of(x, z, width, width).hidden1.between
    layers = _Layers.of(x, z, width, width if net == "net3" else outputs)
    second = layers.before2.relu().between
    return second if net == "net3" else layers.hidden1.between + second


def tangent(net: Net, x: Tensor, z: Tensor, width: int, outputs: int) -> Tensor:
    """Theta = sum over trained weights of d out_i / d theta (x) * d out_i / d theta (z), in expectation.

    net2: ((x, 1).(z, 1)) E[s s'], s = relu'(u).
    net3: (m E[h h'] + 1) E[s2 s2'] + ((x, 1).(z, 1)) E[s1 s1'] E[s2 s2'].
    resnet: (k E[h h'] + 1) E[s2 s2'] + ((x, 1).(z, 1)) E[s1 s1'] (1 + (k / m) E[s2 s2']). In the last factor 1 is the
    shortcut; the other term is the path through the second block, small since its weights have variance 1 / m.
    """
    if net == "net2":
        layers = _Layers.of(x, z, width, width)
        return layers.read.between * layers.before1.slopes()
    layers = _Layers.of(x, z, width, width if net == "net3" else outputs)
    first, second = layers.before1.slopes(), layers.before2.slopes()
    way_back = second if net == "net3" else 1.0 + outputs / width * second
    return layers.stream.between * second + layers.read.between * first * way_back


def polynomial(x: Tensor, z: Tensor) -> Tensor:
    """(1 + x.z / d)^2, whose features are all products of at most two coordinates, hence include F."""
    return (1.0 + x @ z.T / x.shape[1]) ** 2
