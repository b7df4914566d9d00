"""Erasure of single sub-pixels or of whole images."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel, check_probability, scale_levels
from ib_analysis.datasets.image_law import ImageLaw, KnownNats


@dataclass(frozen=True)
class Erasure(Channel):
    """Each sub-pixel or image is erased with probability e: I(x; h) = (1 - e) H(x) and I(y; h) = (1 - e) I(y; x).

    For whole images this holds under every law; for sub-pixels it holds where they are independent and the label is a
    function of the first one. Erased sub-pixels are 0; as many further channels are 1 where nothing is erased.

    Attributes:
        probability: e.
        of: the unit of erasure, sub-pixel or image.
    """

    probability: float
    of: Literal["sub-pixel", "image"] = "sub-pixel"

    def __post_init__(self) -> None:
        check_probability(self.probability)

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, 2C, H, W)."""
        parts = images.shape if self.of == "sub-pixel" else (len(images), 1, 1, 1)
        shown = np.broadcast_to(rng.random(parts) >= self.probability, images.shape).astype(np.float32)
        return np.concatenate([scale_levels(images, law.levels) * shown, shown], axis=1)

    def information(self, law: ImageLaw) -> KnownNats:
        """(1 - e) H(x)."""
        return self._share_of("H(x)", law, 0.0)

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """(1 - e) I(y; x)."""
        return self._share_of("I(y;x)", law, label_noise)

    def _share_of(self, name: str, law: ImageLaw, label_noise: float) -> KnownNats:
        if self.of == "sub-pixel":
            self.independent(law)
        whole = law.nats(name, label_noise)
        return KnownNats(whole.nats * (1 - self.probability), whole.stderr * (1 - self.probability))
