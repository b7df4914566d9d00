"""The Hessian at zero weights in closed form."""

import torch
from torch import Tensor

from ib_analysis.studies.shortcut_depth.hessian_spectrum import TOLERANCE
from ib_analysis.studies.shortcut_depth.units import Samples


def mismatch(samples: Samples, readout: Tensor | None = None) -> Tensor:
    """M = Sigma_XX - Sigma_YX = E[(x - y) x^T], (d, d); with a read-out R: E[R^T (R x - y) x^T].

    Args:
        samples: x (n, d) and y, (n, d) or, with a read-out, (n, classes).
        readout: (classes, d), or None for the identity.
    """
    x, y = samples
    error = x - y if readout is None else (x @ readout.T - y) @ readout
    return error.T @ x / len(x)


def hessian_at_zero(
    depth: int, units: int, sigma_xx: Tensor, mismatch: Tensor, readout: Tensor | None = None
) -> Tensor:
    """The Hessian at zero weights of a linear network of `units` units with shortcuts over `depth` layers.

    Up to second order the product over units is I + sum_r W_r + sum_{r > s} W_r W_s, where W_r is the product of the
    layers of unit r. Hence

        depth 1:  d2/dW_r[i,j] dW_s[k,l] = (R^T R)[i,k] Sigma_XX[j,l] + [r > s] [j = k] M[i,l] + [r < s] [i = l] M[k,j]
        depth 2:  d2/dW_{r,2}[i,j] dW_{r,1}[k,l] = [j = k] M[i,l]; all else 0: one and the same block for every unit
        depth 3 and more: 0

    The eigenvalues at depth 2 are plus and minus the singular values of M, each d times for every unit (Li et al.
    2016; derived independently here). A branch of two layers with tanh between them has the same second derivatives.

    Args:
        depth: number of layers that a shortcut skips.
        units: number of units.
        sigma_xx: E[x x^T], (d, d).
        mismatch: M of `mismatch`, (d, d).
        readout: R, (classes, d), or None for the identity.

    Returns:
        (P, P) with P = units * depth * d^2, in the order of the weights of `UnitNetwork`.

    >>> hessian_at_zero(2, 1, torch.eye(1), torch.tensor([[3.0]])).tolist()
    [[0.0, 3.0], [3.0, 0.0]]
    """
    d = len(mismatch)
    if depth == 1:
        eye = torch.eye(d, dtype=mismatch.dtype)
        gram = eye if readout is None else readout.T @ readout
        return _coupled_units(units, torch.einsum("ik,jl->ijkl", gram, sigma_xx), mismatch)
    if depth == 2:
        return torch.block_diag(*[_unit_of_two_layers(mismatch)] * units)
    size = units * depth * d**2
    return torch.zeros(size, size, dtype=mismatch.dtype)


def condition_at_zero(mismatch: Tensor) -> float:
    """sigma_max(M) / sigma_min(M), the condition number at depth 2 for every number of units.

    With a read-out to fewer than d numbers some singular values are 0; they are omitted by `TOLERANCE`.

    >>> condition_at_zero(torch.diag(torch.tensor([1.0, -2.0])))
    2.0
    """
    values = torch.linalg.svdvals(mismatch)
    return (values[0] / values[values > TOLERANCE * values[0]].min()).item()


def _unit_of_two_layers(M: Tensor) -> Tensor:
    """The block of one unit; W_1 precedes W_2."""
    d = len(M)
    cross = torch.einsum("jk,il->ijkl", torch.eye(d, dtype=M.dtype), M).reshape(d * d, d * d)
    zero = torch.zeros_like(cross)
    return torch.cat([torch.cat([zero, cross.T], 1), torch.cat([cross, zero], 1)])


def _coupled_units(units: int, same: Tensor, M: Tensor) -> Tensor:
    """Units of one layer: every block contains `same`, (d, d, d, d), and for each pair of units their product term."""
    d = len(M)
    later = torch.einsum("jk,il->ijkl", torch.eye(d, dtype=M.dtype), M)
    earlier = later.permute(2, 3, 0, 1)
    blocks = [
        [same + (later if r > s else earlier if r < s else 0) for s in range(units)] for r in range(units)
    ]
    rows = [torch.cat([block.reshape(d * d, d * d) for block in row], 1) for row in blocks]
    return torch.cat(rows)
