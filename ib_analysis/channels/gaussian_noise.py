"""Additive Gaussian noise on every sub-pixel."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import scale_levels
from ib_analysis.channels.gaussian_mixture import mixture_information
from ib_analysis.channels.pixel_channel import PixelChannel
from ib_analysis.datasets.image_law import FiniteLaw, ImageLaw, KnownNats, SymmetricNoise, log_nats
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.errors import UserError

MOST_CENTRES = 20_000
_SAMPLES = 4096  # of the mixture
_STEP, _REACH = 0.1, 10.0  # of the integral over noise, in standard deviations


@dataclass(frozen=True)
class GaussianNoise(PixelChannel):
    """h_i = x_i + sigma z_i, z standard normal: the discrete-input Gaussian channel.

    On independent pixels the information follows by numerical integration: with d_kj = (k - j) / sigma,
    I(x_i; h_i) = -sum_k p_k int phi(z) log(sum_j p_j exp(-d_kj^2 / 2 - z d_kj)) dz,
    with an error below 1e-10 nats. The integrand is analytic and decays like phi, so the trapezoidal rule converges
    exponentially (Trefethen and Weideman 2014, SIAM Review 56(3)).
    On a finite universe of up to 20,000 images it is a Monte Carlo estimate over their mixture, with a standard error.

    Attributes:
        deviation: sigma, in levels.

    >>> law = np.array([0.5, 0.5])  # -1 and 1 at noise 1: 0.4859 bits
    >>> float(round(GaussianNoise(0.5).sub_pixel_nats(law, np.eye(2)) / np.log(2), 4))
    0.4859
    """

    deviation: float

    def __post_init__(self) -> None:
        if not 0 < self.deviation < np.inf:
            raise UserError(f"deviation: {self.deviation:g} levels; give a positive number")

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, C, H, W)."""
        return scale_levels(images + self.deviation * rng.standard_normal(images.shape), law.levels)

    def information(self, law: ImageLaw) -> KnownNats:
        """I(x; h): exact on independent pixels, with a standard error on a finite universe."""
        return _over_universe(law, self.deviation, 0.0)[0] if _is_small(law) else super().information(law)

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(y; h), likewise."""
        if not _is_small(law):
            return super().label_information(law, label_noise)
        return _over_universe(law, self.deviation, label_noise)[1]

    def independent(self, law: ImageLaw) -> IndependentPixels:
        """The law, if its sub-pixels are independent."""
        if isinstance(law, IndependentPixels):
            return law
        return self.refuse(law, f"independent pixels and universes of up to {MOST_CENTRES} images")

    def sub_pixel_nats(self, prior: NDArray[np.float64], origin: NDArray[np.float64]) -> float:
        """I(a; h_i) = I(x_i; h_i) - I(x_i; h_i | a)."""
        whole = self._nats(prior @ origin)
        return whole - sum(float(p) * self._nats(levels) for p, levels in zip(prior, origin) if p > 0)

    def _nats(self, p: NDArray[np.float64]) -> float:
        """I(x_i; h_i) for a level with the probabilities p."""
        occurring = np.flatnonzero(p)
        if len(occurring) == 1:
            return 0.0
        z = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
        weight = _STEP * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        distance = (occurring[:, np.newaxis] - occurring) / self.deviation
        log_p = log_nats(p[occurring])
        return -sum(
            float(p[k] * (weight @ self._log_ratio(log_p, d, z))) for k, d in zip(occurring, distance)
        )

    def _log_ratio(
        self, log_p: NDArray[np.float64], distance: NDArray[np.float64], z: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """log p(h) / p(h | level) at each noise z."""
        exponent = log_p - distance**2 / 2 - z[:, np.newaxis] * distance
        highest = exponent.max(1)
        return np.asarray(highest + np.log(np.exp(exponent - highest[:, np.newaxis]).sum(1)))


def _is_small(law: ImageLaw) -> TypeGuard[FiniteLaw]:
    return isinstance(law, FiniteLaw) and law.count <= MOST_CENTRES


@lru_cache(maxsize=8)
def _over_universe(law: FiniteLaw, deviation: float, label_noise: float) -> tuple[KnownNats, KnownNats]:
    """I(x; h) and I(y; h) over all images of the universe, from a fixed seed."""
    images, noise = law.render(np.arange(law.count)), SymmetricNoise(label_noise, len(law.class_names))
    centres = images.reshape(law.count, -1).astype(np.float64)
    return mixture_information(
        centres, noise.matrix()[law.label(images)], deviation, _SAMPLES, np.random.default_rng(0)
    )
