"""An invertible map of another channel's h, which leaves the information unchanged."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel
from ib_analysis.datasets.image_law import ImageLaw, KnownNats

_REFLECTIONS = 4
SCALES = (0.1, 10.0)


@dataclass(frozen=True)
class Invertible(Channel):
    """h' = f(h), f fixed by `seed`: I(x; h') = I(x; h), which an invariant estimator must reproduce.

    `permutation` reorders the features. `rotation` is a product of Householder reflections, an orthogonal matrix.
    `scale` multiplies each feature by a number between 0.1 and 10 of either sign. `over` defines a feature: a channel
    of h at all positions, or a single number of h.

    Attributes:
        channel: the channel that gives h.
        map: kind of f.
        over: a channel of h, or every number of it.
        seed: seed of f.
    """

    channel: Channel
    map: Literal["permutation", "rotation", "scale"]
    over: Literal["channels", "everything"] = "channels"
    seed: int = 0

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draws h', in the shape of h."""
        h = self.channel(law, images, rng)
        rows = h.reshape(len(h), -1, 1) if self.over == "everything" else h.reshape(*h.shape[:2], -1)
        return self._mapped(rows).reshape(h.shape).astype(np.float32)

    def _mapped(self, h: NDArray[np.float32]) -> NDArray:
        """f(h) for h of shape (n, features, positions)."""
        features, rng = h.shape[1], np.random.default_rng(self.seed)
        if self.map == "permutation":
            return h[:, rng.permutation(features)]
        if self.map == "scale":
            factors = np.geomspace(*SCALES, features) * rng.choice([-1.0, 1.0], features)
            return h * rng.permutation(factors)[:, np.newaxis]
        return _reflected(h.astype(np.float64), rng)

    def information(self, law: ImageLaw) -> KnownNats:
        """The information of the other channel."""
        return self.channel.information(law)

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """The information of the other channel."""
        return self.channel.label_information(law, label_noise)


def _reflected(h: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """h (n, features, positions) after reflections h - 2 u (u . h)."""
    for _ in range(_REFLECTIONS):
        normal = rng.standard_normal(h.shape[1])
        u = np.asarray(normal / np.linalg.norm(normal))
        h = h - 2 * u[:, np.newaxis] * np.einsum("f,nfp->np", u, h)[:, np.newaxis]
    return h
