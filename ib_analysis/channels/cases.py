"""Named cases, a source with a channel each, that decoders and baseline estimators are judged on."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.case_table import CASES
from ib_analysis.channels.channel import Channel
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.errors import UserError

_IMAGES, _CHANNEL = 0, 1  # streams of random numbers of one seed


class Drawn(NamedTuple):
    """Images uint8 (n, C, H, W), h float32 (n, ...), labels int64 (n,); row i belongs to row i."""

    images: NDArray[np.uint8]
    h: NDArray[np.float32]
    labels: NDArray[np.int64]


class Sizes(NamedTuple):
    """How many pairs a method gets to learn on, and how many to be judged on."""

    fitting: int
    evaluation: int


SIZES = {8: Sizes(14_000, 2000), 16: Sizes(7000, 1000), 32: Sizes(3500, 400)}
"""By the size of the image. Images of a known law cost nothing: a fit of the default budget sees each of them once."""


@dataclass(frozen=True)
class Case:
    """A source and a channel: I(x; h), H(x) and I(y; h) are known.

    Attributes:
        name: small letters, digits, hyphens: source, size, channel.
        law: of the images.
        channel: from images to h.
    """

    name: str
    law: ImageLaw
    channel: Channel

    @property
    def sizes(self) -> Sizes:
        """Numbers of pairs that suit images of this size."""
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
        """n independent pairs; another seed for each part, so that no part has seen another."""
        images = self.law.draw(n, np.random.default_rng([seed, _IMAGES]))
        h = self.channel(self.law, images, np.random.default_rng([seed, _CHANNEL]))
        return Drawn(images, h, self.law.label(images))


def validation_cases() -> tuple[Case, ...]:
    """All cases, from almost no information to thousands of bits, grey and RGB, 8x8 to 32x32, 2 to 256 levels.

    >>> sorted({case.law.levels for case in validation_cases()})
    [2, 3, 4, 8, 16, 32, 64, 256]
    """
    return tuple(map(validation_case, CASES))


@cache
def validation_case(name: str) -> Case:
    """The case of that name.

    Raises:
        UserError: there is none.
    """
    if name not in CASES:
        raise UserError(f"{name}: there is no such validation case; there are {', '.join(CASES)}")
    described = CASES[name]
    return Case(name, described.law.build(), described.channel.build())
