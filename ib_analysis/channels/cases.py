"""Validation cases, each a source and a channel, on which decoders and baseline estimators are tested."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.case_table import EVERY_CASE
from ib_analysis.channels.channel import Channel
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.errors import UserError

_IMAGES, _CHANNEL = 0, 1  # streams of random numbers of one seed


class Drawn(NamedTuple):
    """Images uint8 (n, C, H, W), h float32 (n, ...) and labels int64 (n,), paired by row."""

    images: NDArray[np.uint8]
    h: NDArray[np.float32]
    labels: NDArray[np.int64]


class Sizes(NamedTuple):
    """Number of pairs for fitting a method, and number of pairs for its evaluation."""

    fitting: int
    evaluation: int


SIZES = {8: Sizes(14_000, 2000), 16: Sizes(7000, 1000), 32: Sizes(3500, 400)}
"""By image size. Drawing images is cheap, so a fit of the default budget sees each of them once."""


@dataclass(frozen=True)
class Case:
    """A source and a channel with known I(x; h), H(x) and I(y; h).

    Attributes:
        name: source, size and channel, in lower-case letters, digits and hyphens.
        family: the source of the images, whatever its parameters.
        law: the distribution of the images.
        channel: the map from images to h.
    """

    name: str
    family: str
    law: ImageLaw
    channel: Channel

    @property
    def sizes(self) -> Sizes:
        """Numbers of pairs for images of this size."""
        return SIZES[self.law.shape[1]]

    @property
    def information(self) -> KnownNats:
        """I(x; h), in nats."""
        return self.channel.information(self.law)

    @property
    def entropy(self) -> KnownNats:
        """H(x), in nats."""
        return self.law.nats("H(x)")

    @property
    def label_information(self) -> KnownNats:
        """I(y; h), in nats."""
        return self.channel.label_information(self.law)

    def draw(self, n: int, seed: int) -> Drawn:
        """Draws n independent pairs; parts drawn with different seeds are independent."""
        images = self.law.draw(n, np.random.default_rng([seed, _IMAGES]))
        h = self.channel(self.law, images, np.random.default_rng([seed, _CHANNEL]))
        return Drawn(images, h, self.law.label(images))


@cache
def validation_case(name: str) -> Case:
    """The case with the given name.

    Raises:
        UserError: no case has this name.
    """
    if name not in EVERY_CASE:
        raise UserError(f"{name}: there is no such validation case; choose from {', '.join(EVERY_CASE)}")
    described = EVERY_CASE[name]
    return Case(name, described.family, described.law.build(), described.channel.build())
