"""Infinitely wide fully connected residual networks in closed form: variance, correlation, gradient, NNGP, NTK.

The network is y_0 = W_0 x / sqrt(d), y_l = y_{l-1} + lambda_l (sigma_w W_l phi(y_{l-1}) / sqrt(N) + sigma_b b_l) with
phi = ReLU, standard normal weights and biases, and N to infinity (Hayou et al. 2021, Stable ResNet; Jacot et al. 2018
for the NTK; Cho & Saul 2009 for the expectations). With a_l = lambda_l^2 sigma_w^2 / 2, the correlation c_l of two
inputs and their variances q_l,

    growth      G_l = prod_{i <= l} (1 + a_i)           of the squared gradient, and of q where sigma_b = 0
    NNGP        K_l = K_{l-1} + a_l sqrt(q_{l-1} q'_{l-1}) kappa_1(c_{l-1}) + lambda_l^2 sigma_b^2
    NTK     Theta_l = Theta_{l-1} (1 + a_l kappa_0(c_{l-1})) + K_l - K_{l-1},     Theta_0 = K_0

Without scaling G_l exceeds the largest double soon after l = 1000, so kernels are stored divided by G_l, together with
log G_l.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ib_analysis.studies.arc_cosine import kappas


@dataclass(frozen=True)
class Variances:
    """Variances of weights and biases, before the scale of the branch."""

    weight: float = 2.0
    """sigma_w^2."""
    bias: float = 0.0
    """sigma_b^2."""


@dataclass(frozen=True)
class Kernels:
    """Kernels of one depth between the inputs of rows and columns, divided by the growth."""

    log_growth: float
    """log G, in nats."""
    nngp: Tensor
    """K / G, shape (rows, columns)."""
    ntk: Tensor
    """Theta / G, shape (rows, columns)."""
    row_variances: Tensor
    """q / G of the inputs of rows, shape (rows,)."""
    column_variances: Tensor
    """q / G of the inputs of columns, shape (columns,)."""

    @property
    def correlation(self) -> Tensor:
        """K over the square roots of both variances, shape (rows, columns)."""
        return self.nngp / self.scale

    @property
    def scale(self) -> Tensor:
        """The square root of the product of both variances, shape (rows, columns)."""
        return torch.sqrt(self.row_variances[:, None] * self.column_variances)


def compute_kernels(rows: Tensor, columns: Tensor, scales: Sequence[float], variances: Variances) -> Kernels:
    """The kernels of a network with the given branch scales, between images.

    Args:
        rows: flattened inputs, shape (rows, d), float64.
        columns: flattened inputs, shape (columns, d), float64.
        scales: lambda_1..lambda_L.
        variances: variances of weights and biases.
    """
    d = rows.shape[1]
    gram = rows @ columns.T / d
    start = Kernels(0.0, gram, gram, rows.square().sum(1) / d, columns.square().sum(1) / d)
    return propagate_kernels(start, scales, variances)


def propagate_kernels(start: Kernels, scales: Sequence[float], variances: Variances) -> Kernels:
    """The kernels after blocks with the given branch scales."""
    kernels = start
    for scale in scales:
        kernels = _behind_a_block(kernels, scale, variances)
    return kernels


def _behind_a_block(h: Kernels, scale: float, variances: Variances) -> Kernels:
    """One step of the recursion, in units of the growth after the block."""
    a = scale**2 * variances.weight / 2
    growth = h.log_growth + math.log1p(a)
    bias = scale**2 * variances.bias * math.exp(-growth)
    root = h.scale
    degree_0, degree_1 = kappas(h.nngp / root)
    added = a / (1 + a) * root * degree_1 + bias
    return Kernels(
        log_growth=growth,
        nngp=h.nngp / (1 + a) + added,
        ntk=h.ntk * ((1 + a * degree_0) / (1 + a)) + added,
        row_variances=h.row_variances + bias,
        column_variances=h.column_variances + bias,
    )


@dataclass(frozen=True)
class Propagation:
    """Growth and correlation of two inputs of unit variance."""

    log_growth: float
    """log G_L, in nats: growth of the squared gradient from last to first layer, and of q_L / q_0 if sigma_b = 0."""
    correlation: float
    """c_L."""


def propagation(c: float, scales: Sequence[float], variances: Variances) -> Propagation:
    """Growth and correlation after blocks with the given scales, for inputs of unit variance and correlation c.

    The growth is that of the gradient, which does not depend on biases.

    >>> found = propagation(0.2, [1.0] * 16, Variances())
    >>> round(found.log_growth / 0.693147, 3), round(found.correlation, 4)
    (16.0, 0.8315)
    """
    one = torch.ones(1, dtype=torch.float64)
    gram = torch.full((1, 1), c, dtype=torch.float64)
    found = propagate_kernels(Kernels(0.0, gram, gram, one, one), scales, variances)
    return Propagation(found.log_growth, found.correlation.item())
