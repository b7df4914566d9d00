"""Gaussian expectations through a ReLU: the arc-cosine kernels of degree 0 and 1 (Cho & Saul 2009, equations 3, 6)."""

import math

import torch
from torch import Tensor


def kappa_0(c: Tensor) -> Tensor:
    """2 E[phi'(u) phi'(v)] = 1 - arccos(c) / pi, for phi = ReLU and standard normal u, v of correlation c.

    Args:
        c: correlations, any shape; values beyond [-1, 1] due to rounding are clipped.

    >>> kappa_0(torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)).tolist()
    [0.0, 0.5, 1.0]
    """
    return 1 - torch.arccos(c.clamp(-1, 1)) / math.pi


def kappa_1(c: Tensor) -> Tensor:
    """2 E[phi(u) phi(v)] = (sqrt(1 - c^2) + c (pi - arccos c)) / pi, for phi, u and v as in `kappa_0`.

    Its derivative is `kappa_0`, and kappa_1(1) = 1, since a ReLU halves the second moment.

    Args:
        c: correlations, any shape; values beyond [-1, 1] due to rounding are clipped.

    >>> [round(k, 4) for k in kappa_1(torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)).tolist()]
    [0.0, 0.3183, 1.0]
    """
    return kappas(c)[1]


def kappas(c: Tensor) -> tuple[Tensor, Tensor]:
    """Both kernels, from one evaluation of the arc cosine."""
    c = c.clamp(-1, 1)
    degree_0 = kappa_0(c)
    return degree_0, torch.sqrt((1 - c) * (1 + c)) / math.pi + c * degree_0
