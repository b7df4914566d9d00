"""Named cases, a source with a channel each, that decoders and rival estimators are judged on."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ib_analysis.channels.channel import Channel
from ib_analysis.channels.erasure import Erasure
from ib_analysis.channels.factor_codes import FactorCodes
from ib_analysis.channels.gaussian_noise import GaussianNoise
from ib_analysis.channels.identity import Identity
from ib_analysis.channels.invertible import Invertible
from ib_analysis.channels.kept_pixels import KeptPixels
from ib_analysis.channels.kept_rows import KeptRows
from ib_analysis.channels.quantized import Quantized
from ib_analysis.channels.shuffled import Shuffled
from ib_analysis.channels.symmetric import Symmetric
from ib_analysis.datasets.factors import FACTORS, Factors
from ib_analysis.datasets.image_law import ImageLaw, KnownNats
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.low_bits import LowBits
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.datasets.rectangles import Rectangles
from ib_analysis.datasets.teacher import Teacher
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


@cache
def validation_cases() -> tuple[Case, ...]:
    """All cases, from almost no information to thousands of bits, grey and RGB, 8x8 to 32x32, 2 to 256 levels.

    >>> sorted({case.law.levels for case in validation_cases()})
    [2, 3, 4, 8, 16, 32, 64, 256]
    """
    return (*_independent_cases(), *_markov_cases(), *_finite_cases(), *_teacher_cases())


def validation_case(name: str) -> Case:
    """The case of that name.

    Raises:
        UserError: there is none.
    """
    cases = {case.name: case for case in validation_cases()}
    if name not in cases:
        raise UserError(f"{name}: there is no such validation case; there are {', '.join(cases)}")
    return cases[name]


def _independent_cases() -> tuple[Case, ...]:
    logistic, uniform = IndependentPixels.logistic, IndependentPixels.uniform
    grey = logistic(8, 256, means=(127.5,), scales=(5.0,))
    colour = logistic(8, 256, means=(127.5, 127.5, 60.0), scales=(5.0, 20.0, 10.0))
    few_levels = logistic(8, 16, means=(6.0,), scales=(1.5,))
    return (
        Case("still-8-identity", logistic(8, 256, means=(127.0,), scales=(0.06,)), Identity()),
        Case("logistic-8-rows4", grey, KeptRows(4)),
        Case("logistic-8-gaussian", grey, GaussianNoise(10.0)),
        Case("logistic-rgb-8-erasure", colour, Erasure(0.5)),
        Case("logistic-8-quantized", few_levels, Quantized(2)),
        Case("binary-8-symmetric", uniform(8, 2, 1), Symmetric(0.11)),
        Case("quaternary-rgb-8-symmetric", uniform(8, 4, 3), Symmetric(0.3)),
        Case("uniform-8-gaussian", uniform(8, 8, 1), GaussianNoise(1.0)),
        Case("uniform-16-erasure", uniform(16, 16, 1), Erasure(0.75)),
        Case("uniform-rgb-16-rows8", uniform(16, 256, 3), KeptRows(8)),
    )


def _markov_cases() -> tuple[Case, ...]:
    steep, flat = RasterMarkov(8, 256, 0.9, 5.0), RasterMarkov(8, 256, 0.5, 10.0)
    few_levels = RasterMarkov(8, 8, 0.5, 0.5)
    colour = RasterMarkov(8, 32, 0.8, 1.0, channels=3)
    return (
        Case("markov-8-rows1", steep, KeptRows(1)),
        Case("markov-8-rows4", steep, KeptRows(4)),
        Case("markov-8-rows2-scaled", flat, Invertible(KeptRows(2), "scale")),
        Case("markov-8-pixels4", few_levels, KeptPixels(4)),
        Case("markov-8-identity", few_levels, Identity()),
        Case("markov-8-identity-shuffled", few_levels, Shuffled(Identity())),
        Case("markov-8-identity-permuted", few_levels, Invertible(Identity(), "permutation", "everything")),
        Case("markov-rgb-8-rows4", colour, KeptRows(4)),
        Case("markov-rgb-8-rows4-rotated", colour, Invertible(KeptRows(4), "rotation")),
        Case("markov-rgb-16-pixels2", RasterMarkov(16, 64, 0.9, 1.0, channels=3), KeptPixels(2)),
    )


def _finite_cases() -> tuple[Case, ...]:
    objects, noisy = Factors(16, 3, 3), LowBits(Factors(8, 4, 3), 2)
    return (
        Case("rectangles-8-identity", Rectangles(8, 2), Identity()),
        Case("rectangles-8-gaussian", Rectangles(8, 2), GaussianNoise(0.7)),
        Case("rectangles-16-rows8", Rectangles(16, 2), KeptRows(8)),
        Case("rectangles-8-low-bits-quantized", LowBits(Rectangles(8, 2), 3), Quantized(3)),
        Case("factors-8-class", Factors(8, 4, 1), FactorCodes(("shape",))),
        Case("factors-rgb-8-gaussian", Factors(8, 4, 3), GaussianNoise(3.0)),
        Case("factors-rgb-8-low-bits-place", noisy, FactorCodes(("row", "column"))),
        Case("factors-rgb-16-looks", objects, FactorCodes(("shape", "colour", "texture"))),
        Case(
            "factors-rgb-16-everything-rotated", objects, Invertible(FactorCodes(FACTORS), "rotation", seed=1)
        ),
        Case("factors-rgb-32-colour", Factors(32, 4, 3), FactorCodes(("colour", "row"))),
    )


def _teacher_cases() -> tuple[Case, ...]:
    grey, colour = Teacher(8, 256, 1, 5.0), Teacher(16, 256, 3, 5.0, weights=1)
    return (
        Case("teacher-8-rows4", grey, KeptRows(4)),
        Case("teacher-8-rows4-shuffled", grey, Shuffled(KeptRows(4))),
        Case("teacher-rgb-16-image-erasure", colour, Erasure(0.5, of="image")),
        Case("teacher-rgb-32-rows8", Teacher(32, 256, 3, 4.0), KeptRows(8)),
    )
