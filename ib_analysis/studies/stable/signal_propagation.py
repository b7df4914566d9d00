"""Finite-width residual networks at initialization: variance, correlation and gradient against depth.

The network is that of `kernel_recursion` at width N. Both passes store vectors of norm near sqrt(N) and the logarithm
of their scale, so that a thousand unscaled blocks do not overflow. The backward pass redraws the weights of a block
from their seed, so memory does not grow with N^2 L.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ib_analysis.encoders.training.seeding import generator
from ib_analysis.studies.stable.kernel_recursion import Variances

WEIGHTS, INPUTS, GRADIENT = range(3)


@dataclass(frozen=True)
class Passage:
    """Growth, correlation and gradient of one random network, averaged over pairs of inputs."""

    log_variance_growth: float
    """log(|y_L|^2 / |y_0|^2), in nats."""
    log_gradient_growth: float
    """log(|dE/dy_0|^2 / |dE/dy_L|^2) for a Gaussian dE/dy_L, in nats."""
    correlation: float
    """y_L . y'_L / (|y_L| |y'_L|)."""


@dataclass(frozen=True)
class Network:
    """One random network, determined by its width and seed."""

    width: int
    scales: Sequence[float]
    variances: Variances
    seed: int
    pairs: int = 1
    device: torch.device | str = "cpu"

    def passage(self, c: float) -> Passage:
        """Forward and backward pass for pairs of inputs of unit variance and correlation c, in float64.

        Raises:
            ValueError: the width is too small for the number of pairs.
        """
        start = self._inputs(c)
        y, masks, log_scale = self._forward(start)
        variance = log_scale + torch.log(y.square().mean(1))
        gradient = self._log_gradient_growth(masks)
        first, second = y.chunk(2)
        correlation = torch.cosine_similarity(first, second, dim=1)
        return Passage(variance.mean().item(), gradient, correlation.mean().item())

    def _forward(self, start: Tensor) -> tuple[Tensor, list[Tensor], float]:
        """y_L over its scale, where each block's input was positive, and the logarithm of the squared scale."""
        y, log_scale, masks = start, 0.0, list[Tensor]()
        for block, scale in enumerate(self.scales):
            masks.append(y > 0)
            weight, bias = self._parameters(block)
            branch = torch.relu(y) @ weight.T + bias * math.exp(-log_scale / 2)
            y, log_norm = _unit(y + scale * branch)
            log_scale += log_norm
        return y, masks, log_scale

    def _log_gradient_growth(self, masks: Sequence[Tensor]) -> float:
        draws = generator(self.seed, GRADIENT)
        g = torch.randn(self.width, generator=draws).to(self.device, torch.float64).expand(2 * self.pairs, -1)
        growth = -torch.log(g.square().mean(1))
        for block in reversed(range(len(self.scales))):
            weight, _ = self._parameters(block)
            g, log_norm = _unit(g + self.scales[block] * masks[block] * (g @ weight))
            growth = growth + log_norm
        return (growth + torch.log(g.square().mean(1))).mean().item()

    def _parameters(self, block: int) -> tuple[Tensor, Tensor]:
        """sigma_w W / sqrt(N), (N, N), and sigma_b b, (N,), of a block."""
        drawn = torch.randn(self.width + 1, self.width, generator=generator(self.seed, WEIGHTS, block))
        drawn = drawn.to(self.device, torch.float64)
        weight = drawn[:-1] * math.sqrt(self.variances.weight / self.width)
        return weight, drawn[-1] * math.sqrt(self.variances.bias)

    def _inputs(self, c: float) -> Tensor:
        """The first inputs of all pairs, then the second inputs, (2 pairs, N).

        Norms are sqrt(N); correlations are exactly c within a pair and 0 between pairs.
        """
        if 2 * self.pairs > self.width:
            raise ValueError(f"{self.pairs} pairs need a width of {2 * self.pairs}, not {self.width}")
        draws = generator(self.seed, INPUTS)
        drawn = torch.randn(self.width, 2 * self.pairs, generator=draws, dtype=torch.float64)
        first, other = (torch.linalg.qr(drawn).Q.T * math.sqrt(self.width)).chunk(2)
        return torch.cat((first, c * first + math.sqrt(1 - c**2) * other)).to(self.device)


def _unit(h: Tensor) -> tuple[Tensor, float]:
    """The vectors (2 pairs, N) divided by their common root mean square, and the logarithm of its square."""
    square = h.square().mean().item()
    return h / math.sqrt(square), math.log(square)


def slope(depths: Sequence[int], logarithms: Sequence[float]) -> float:
    """Least-squares slope of a logarithm against depth, in nats per block.

    >>> round(slope([1, 2, 4], [1.0, 3.0, 7.0]), 9)
    2.0
    """
    x = torch.tensor(depths, dtype=torch.float64)
    y = torch.tensor(logarithms, dtype=torch.float64)
    x = x - x.mean()
    return (x @ y / (x @ x)).item()
