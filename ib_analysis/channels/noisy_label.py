"""The one-hot code of the label, replaced by another one with a given probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel, check_probability
from ib_analysis.datasets.image_law import ImageLaw, KnownNats, SymmetricNoise
from ib_analysis.errors import UserError


@dataclass(frozen=True)
class NoisyLabel(Channel):
    """h is the one-hot code of y seen through a symmetric channel: I(x; h) = I(y; h), that of a label with noise.

    Attributes:
        probability: that h shows another class; all others are equally likely.

    >>> from ib_analysis.datasets.templates import Templates
    >>> from ib_analysis.units import bits
    >>> round(bits(NoisyLabel(0.0).information(Templates(8, 4, 1, 16)).nats), 6)
    4.0
    """

    probability: float

    def __post_init__(self) -> None:
        check_probability(self.probability)

    def __call__(
        self, law: ImageLaw, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Shape (n, classes)."""
        classes = len(law.class_names)
        shown = SymmetricNoise(self.probability, classes)(law.label(images), rng)
        return (shown[:, np.newaxis] == np.arange(classes)).astype(np.float32)

    def information(self, law: ImageLaw) -> KnownNats:
        """I(x; h): what the image says of a label with so much noise."""
        return law.nats("I(y;x)", self.probability)

    def label_information(self, law: ImageLaw, label_noise: float = 0.0) -> KnownNats:
        """The same, since h depends on x by the label alone.

        Raises:
            UserError: the label has noise of its own.
        """
        if label_noise:
            raise UserError(
                f"label_noise: {label_noise:g}; what NoisyLabel says of a label is known without noise of the label's "
                "own: give 0"
            )
        return self.information(law)
