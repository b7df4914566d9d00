"""One-hot codes of the factors of rendered objects."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel
from ib_analysis.datasets.factors import FACTORS, Factors
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.datasets.low_bits import LowBits
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class FactorCodes(Channel):
    """h is the one-hot code of each named factor: I(x; h) = sum of log(number of values).

    The label is the shape: I(y; h) is I(y; x) if the shape is named, else 0.

    Attributes:
        names: one or more of FACTORS, each at most once.

    >>> from ib_analysis.units import bits
    >>> round(bits(FactorCodes(("shape", "texture")).information(Factors(16, 256, 3)).nats), 6)
    4.0
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) < len(self.names) or not set(self.names) <= set(FACTORS):
            raise UserError(
                f"names: {', '.join(self.names) or 'none'}; give one or more of {', '.join(FACTORS)}, each at most once"
            )

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draws h, shape (n, sum of the numbers of values)."""
        objects = self._objects(law)
        high = law.high(images) if isinstance(law, LowBits) else images
        factors = objects.factors(high)
        codes = [
            factors[:, FACTORS.index(name), np.newaxis] == np.arange(self._values(objects, name))
            for name in self.names
        ]
        return np.concatenate(codes, axis=1).astype(np.float32)

    def _objects(self, law: ImageLaw) -> Factors:
        below = law.law if isinstance(law, LowBits) else law
        return below if isinstance(below, Factors) else self.refuse(law, "objects rendered from factors")

    def _values(self, objects: Factors, name: str) -> int:
        return len(objects.values[FACTORS.index(name)])

    def information(self, law: ImageLaw) -> KnownNats:
        """Entropy of the named factors."""
        objects = self._objects(law)
        return KnownNats(sum(math.log(self._values(objects, name)) for name in self.names))

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """I(y; x) if the shape is named, else 0."""
        whole = self._objects(law).nats("I(y;x)", label_noise)
        return whole if "shape" in self.names else KnownNats(0.0)
