"""q(x | h) = N(x; A h + b, Sigma), fitted in closed form: the analytic oracle."""

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from decoders.density import Decoder, Density
from decoders.errors import ContextError, FitError
from decoders.spec import ImageTarget, LinearGaussianSpec


class GaussianDensity(Density):
    """N(x; mean, L L^T) for each row of `mean` (batch, D); L lower triangular (D, D), all float64."""

    def __init__(self, mean: Tensor, cholesky: Tensor, shape: tuple[int, ...]) -> None:
        self.mean, self.cholesky, self.shape = mean, cholesky, shape

    def log_prob(self, target: Tensor) -> Tensor:
        """-|L^-1 (x - mean)|^2 / 2 - log det L - D log(2 pi) / 2 in nats, float64, shape (batch,)."""
        residual = target.flatten(1).double() - self.mean
        white = torch.linalg.solve_triangular(self.cholesky, residual.T, upper=False)
        log_scale = self.cholesky.diagonal().log().sum()
        return -0.5 * white.square().sum(0) - log_scale - 0.5 * len(self.cholesky) * math.log(2.0 * math.pi)

    def sample(self, generator: Generator, count: int = 1) -> Tensor:
        """Real-valued draws, float64, shape (count, batch, *target)."""
        noise = torch.randn(
            (count, *self.mean.shape), dtype=torch.float64, generator=generator, device=self.mean.device
        )
        return (self.mean + noise @ self.cholesky.T).reshape(count, len(self.mean), *self.shape)


class LinearGaussian(Decoder):
    """The conditional of a joint Gaussian with sample moments (maximum likelihood up to the ridge).

    A = C_xh (C_hh + r I)^-1, b = mean(x) - A mean(h), Sigma = C_xx - A C_hx + r I, with r the spec's ridge.
    It is a *density* over real x: its nats are comparable with those of another density, not with those of a
    probability over levels. It has no weights to fit by gradients; `initialise` is the whole fit.
    """

    Spec: ClassVar[type[LinearGaussianSpec]] = LinearGaussianSpec
    gain: Tensor
    offset: Tensor
    cholesky: Tensor

    def __init__(
        self, spec: LinearGaussianSpec, target: ImageTarget, context: tuple[int, ...] | None
    ) -> None:
        super().__init__()
        self.spec, self.target = spec, target
        self.context = None if context is None else tuple(context)
        d = target.dimensions
        self.register_buffer("gain", torch.zeros(d, math.prod(self.context or (0,)), dtype=torch.float64))
        self.register_buffer("offset", torch.zeros(d, dtype=torch.float64))
        self.register_buffer("cholesky", torch.eye(d, dtype=torch.float64))

    @property
    def bytes_per_example(self) -> int:
        """The example, its mean and their difference, and h, all in float64."""
        return 8 * (4 * self.target.dimensions + 2 * math.prod(self.context or (0,)))

    def forward(self, h: Tensor | None) -> GaussianDensity:
        """N(A h + b, Sigma)."""
        mean = self.offset[None] if h is None else self.offset + self._flat(h) @ self.gain.T
        if h is None and self.context is not None:
            raise ContextError(f"this decoder was built for an h of shape {self.context}")
        return GaussianDensity(
            mean, self.cholesky, (self.target.channels, self.target.height, self.target.width)
        )

    def fit_closed_form(self, target: Tensor, h: Tensor | None) -> None:
        """Fit to one sample: x of shape (N, *target), h of shape (N, *context) or None."""
        self.fit_blocks([(target, h)])

    @torch.no_grad()
    def fit_blocks(self, blocks: Iterable[tuple[Tensor, Tensor | None]]) -> None:
        """Fit to a sample that arrives in blocks; memory holds one block and the covariance of (h, x).

        Raises:
            FitError: fewer than two examples, or a covariance that is not positive definite (a larger ridge
            helps).
        """
        count, mean, covariance = _moments(self._joint(x, h) for x, h in blocks)
        if count < 2:
            raise FitError(f"a linear-Gaussian decoder needs at least two examples, not {count}")
        k = self.gain.shape[1]
        ridge = self.spec.ridge * torch.eye(len(mean), dtype=torch.float64, device=mean.device)
        c_hh, c_hx, c_xx = covariance[:k, :k], covariance[:k, k:], covariance[k:, k:]
        gain = torch.linalg.solve(c_hh + ridge[:k, :k], c_hx).T
        sigma = c_xx - gain @ c_hx - (gain @ c_hx).T + gain @ c_hh @ gain.T + ridge[k:, k:]
        cholesky, info = torch.linalg.cholesky_ex(sigma)
        if int(info):
            raise FitError(
                f"the residual covariance is not positive definite; raise ridge above {self.spec.ridge:g}"
            )
        self.gain.copy_(gain)
        self.offset.copy_(mean[k:] - gain @ mean[:k])
        self.cholesky.copy_(cholesky)

    def initialise(self, target: Tensor, h: Tensor | None, batch_size: int = 1) -> None:
        """The whole fit, on this batch."""
        self.fit_closed_form(target, h)

    def description(self) -> dict[str, Any]:
        """Description from which `build_decoder` builds this decoder again."""
        return {
            **self.spec.described(),
            "target": self.target.model_dump(mode="json"),
            "context": None if self.context is None else list(self.context),
        }

    def _flat(self, h: Tensor) -> Tensor:
        if tuple(h.shape[1:]) != self.context:
            raise ContextError(f"h has shape {tuple(h.shape[1:])}, the decoder was built for {self.context}")
        return h.flatten(1).double()

    def _joint(self, x: Tensor, h: Tensor | None) -> Tensor:
        x = x.flatten(1).double()
        return x if h is None else torch.cat([self._flat(h), x], dim=1)


def _moments(blocks: Iterable[Tensor]) -> tuple[int, Tensor, Tensor]:
    """Count, mean and covariance (divisor N) of rows that arrive in blocks, merged pairwise (Chan et al. 1979)."""
    count, mean, scatter = 0, torch.zeros(0), torch.zeros(0)
    for z in blocks:
        m = z.mean(0)
        s = (z - m).T @ (z - m)
        if count == 0:
            count, mean, scatter = len(z), m, s
            continue
        total, shift = count + len(z), m - mean
        scatter = scatter + s + torch.outer(shift, shift) * (count * len(z) / total)
        mean = mean + shift * (len(z) / total)
        count = total
    return count, mean, scatter / max(count, 1)
