"""Condition number, index and extreme eigenvalues of the Hessian of the loss."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor
from torch.func import grad, jvp, vmap

from ib_analysis.studies.shortcut_depth.units import Samples, UnitNetwork

TOLERANCE = 1e-12
"""Eigenvalues below this fraction of the largest absolute one count as 0; rounding errors are below 1e-13 of it."""
FLAT = 1e-12
"""A Hessian without a larger absolute eigenvalue counts as 0; unit-variance inputs fix its scale."""
COLUMNS_AT_ONCE = 256
"""Number of columns of a dense Hessian that are computed together."""
ENDS_TOLERANCE = 1e-8
"""Relative accuracy of the extreme eigenvalues of a matrix-free Hessian."""
LANCZOS_STEPS, PROBES = 40, 2
"""Number of probes of the quadrature: for P parameters the standard error of the index is <= sqrt(1 / (2 P)) / 2."""


@dataclass(frozen=True)
class Spectrum:
    """Summary of the eigenvalues of a Hessian, in units of the loss per squared weight."""

    largest: float
    """The largest eigenvalue."""
    smallest: float
    """The smallest eigenvalue, negative at a saddle point."""
    condition_number: float | None
    """max |lambda| / min |lambda| over the eigenvalues that are nonzero by `TOLERANCE`; None for a zero Hessian or a
    partial spectrum."""
    index: float
    """Fraction of eigenvalues that are negative beyond `TOLERANCE`."""
    flat: float | None
    """Fraction of eigenvalues that count as 0; None for a partial spectrum."""
    parameters: int
    method: str


def spectrum(
    network: UnitNetwork, weights: Tensor, samples: Samples, dense_parameters: int, generator: torch.Generator
) -> Spectrum:
    """The spectrum at the given weights, complete up to `dense_parameters`, above them its ends and its index.

    Args:
        network: the network, whose own weights are not changed.
        weights: (parameters,), the point of the Hessian.
        samples: samples of the loss.
        dense_parameters: number of parameters up to which the Hessian is computed as a matrix.
        generator: generator of the probes for larger Hessians.
    """
    if len(weights) <= dense_parameters:
        return of_eigenvalues(torch.linalg.eigvalsh(dense_hessian(network, weights, samples)))
    return lanczos_spectrum(network, weights, samples, generator)


def dense_hessian(network: UnitNetwork, weights: Tensor, samples: Samples) -> Tensor:
    """All second derivatives of the loss, (parameters, parameters), forward over reverse, in groups of columns.

    The columns of a group are directions of one parameter, so that nothing is computed for the derivatives of the
    others along it, which are 0. `torch.func.hessian` computes all columns at once, which exceeds the memory for large
    networks.
    """
    named = network.named_weights(weights)
    columns = [_columns(network, named, name, samples) for name in named]
    matrix = torch.cat(columns)
    return (matrix + matrix.T) / 2


def _columns(network: UnitNetwork, named: dict[str, Tensor], name: str, samples: Samples) -> Tensor:
    """Derivatives of the gradient along each number of a parameter, (numbers, parameters)."""

    def gradient(own: Tensor) -> Tensor:
        found = grad(lambda given: network.loss_at(given, samples))({**named, name: own})
        return torch.cat([part.flatten() for part in found.values()])

    point = named[name]
    directions = torch.eye(point.numel(), dtype=point.dtype, device=point.device).view(-1, *point.shape)
    columns: Tensor = vmap(lambda v: jvp(gradient, (point,), (v,))[1], chunk_size=COLUMNS_AT_ONCE)(directions)
    return columns


def of_eigenvalues(values: Tensor) -> Spectrum:
    """The summary of a complete spectrum in increasing order.

    >>> found = of_eigenvalues(torch.tensor([-2.0, 0.0, 1.0, 4.0]))
    >>> found.condition_number, found.index, found.flat
    (4.0, 0.25, 0.25)
    """
    size = values.abs()
    scale = size.max().item()
    nonzero = size > max(TOLERANCE * scale, FLAT)
    return Spectrum(
        largest=values[-1].item(),
        smallest=values[0].item(),
        condition_number=scale / size[nonzero].min().item() if nonzero.any() else None,
        index=(nonzero & (values < 0)).double().mean().item(),
        flat=(~nonzero).double().mean().item(),
        parameters=len(values),
        method="dense",
    )


def lanczos_spectrum(
    network: UnitNetwork, weights: Tensor, samples: Samples, generator: torch.Generator
) -> Spectrum:
    """Both ends of the spectrum by SciPy's Lanczos method and the index by Lanczos quadrature, matrix-free."""
    product = hessian_operator(network, weights, samples)
    start = _probe(product.shape[0], generator)
    if np.linalg.norm(product @ start) <= FLAT * np.linalg.norm(start):
        # A zero Hessian; ARPACK fails on a vector that the matrix maps to 0.
        return Spectrum(0.0, 0.0, None, 0.0, 1.0, len(weights), "lanczos")
    largest, smallest = (
        float(eigsh(product, 1, which=end, v0=start, tol=ENDS_TOLERANCE, return_eigenvectors=False)[0])
        for end in ("LA", "SA")
    )
    zero = max(TOLERANCE * max(abs(largest), abs(smallest)), FLAT)
    index = float(
        np.mean([negative_share(product, _probe(len(start), generator), zero) for _ in range(PROBES)])
    )
    return Spectrum(largest, smallest, None, index, None, len(weights), "lanczos")


def hessian_operator(network: UnitNetwork, weights: Tensor, samples: Samples) -> LinearOperator:
    """Hessian-vector products H v for SciPy: the gradient of (dL/dw) v at the weights (Pearlmutter 1994).

    dL/dw is computed once, and each product goes back through it.
    """
    w = weights.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(network.loss(w, samples), w, create_graph=True)

    def product(v: NDArray[np.float64]) -> NDArray[np.float64]:
        given = torch.from_numpy(v.reshape(-1)).to(w)
        (found,) = torch.autograd.grad(gradient, w, given, retain_graph=True)
        columns: NDArray[np.float64] = found.cpu().numpy()
        return columns

    return LinearOperator((len(w), len(w)), matvec=product, dtype=np.float64)


def negative_share(product: LinearOperator, probe: NDArray[np.float64], zero: float) -> float:
    """An estimate of the fraction of eigenvalues below -zero from one random direction, by Lanczos quadrature.

    v^T f(H) v = sum_k tau_k^2 f(theta_k) for the Ritz values theta_k and the first entries tau_k of the
    eigenvectors of the tridiagonal matrix (Golub & Meurant 2010, chapter 6). For v uniform on the sphere its mean is
    trace f(H) / P, here with f = [lambda < -zero]. The Lanczos vectors are fully reorthogonalised.
    """
    basis = [probe / np.linalg.norm(probe)]
    diagonal, beside = list[float](), list[float]()
    for _ in range(min(LANCZOS_STEPS, len(probe))):
        w = product @ basis[-1]
        diagonal.append(float(basis[-1] @ w))
        known = np.array(basis)
        for _ in range(2):
            w = w - known.T @ (known @ w)
        norm = float(np.linalg.norm(w))
        if norm <= zero:
            break
        beside.append(norm)
        basis.append(w / norm)
    ritz, vectors = eigh_tridiagonal(np.array(diagonal), np.array(beside[: len(diagonal) - 1]))
    return float((vectors[0] ** 2)[ritz < -zero].sum())


def _probe(length: int, generator: torch.Generator) -> NDArray[np.float64]:
    normal: NDArray[np.float64] = torch.randn(length, generator=generator, dtype=torch.float64).numpy()
    return normal
