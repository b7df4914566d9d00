"""The validation cases by name, each a description of a source and a channel.

The configuration checks names against this table before any job runs, so this module does not import numpy.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

ROOM = "ib_analysis"


@dataclass(frozen=True)
class Described:
    """Description of a source or a channel, built on demand; equal descriptions are built once."""

    place: str
    arguments: tuple[Hashable, ...] = ()
    options: tuple[tuple[str, Hashable], ...] = ()

    @property
    def implementation(self) -> str:
        """The class or constructor, as "package.module:name"."""
        return f"{ROOM}.{self.place}"

    @property
    def implementations(self) -> frozenset[str]:
        """The implementations of the object and of all its parts."""
        parts = (*self.arguments, *(value for _, value in self.options))
        inner = (part.implementations for part in parts if isinstance(part, Described))
        return frozenset({self.implementation}).union(*inner)

    def build(self) -> Any:
        """Builds the source or the channel."""
        return _built(self)


@cache
def _built(described: Described) -> Any:
    module, names = described.implementation.split(":")
    found: Any = import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    arguments = [_value(argument) for argument in described.arguments]
    return found(*arguments, **{name: _value(value) for name, value in described.options})


def _value(part: Hashable) -> Any:
    return part.build() if isinstance(part, Described) else part


@dataclass(frozen=True)
class Constructor:
    """A class by its place; a call with its arguments gives a description."""

    place: str

    def __call__(self, *arguments: Hashable, **options: Hashable) -> Described:
        """The description of an object of the class."""
        return Described(self.place, arguments, tuple(options.items()))


class DescribedCase(NamedTuple):
    """A source of images and a channel from images to h."""

    law: Described
    channel: Described

    @property
    def family(self) -> str:
        """The source of its images: the class of its law, whatever its parameters.

        >>> CASES["markov-8-rows1"].family
        'RasterMarkov'
        """
        return self.law.place.split(":")[1].split(".")[0]


logistic = Constructor("datasets.independent_pixels:IndependentPixels.logistic")
uniform = Constructor("datasets.independent_pixels:IndependentPixels.uniform")
raster_markov = Constructor("datasets.raster_markov:RasterMarkov")
rectangles = Constructor("datasets.rectangles:Rectangles")
factors = Constructor("datasets.factors:Factors")
low_bits = Constructor("datasets.low_bits:LowBits")
teacher = Constructor("datasets.teacher:Teacher")
templates = Constructor("datasets.templates:Templates")
tiles = Constructor("datasets.tiles:Tiles")
counts = Constructor("channels.counts:Counts")
erasure = Constructor("channels.erasure:Erasure")
factor_codes = Constructor("channels.factor_codes:FactorCodes")
gaussian_noise = Constructor("channels.gaussian_noise:GaussianNoise")
identity = Constructor("channels.identity:Identity")
invertible = Constructor("channels.invertible:Invertible")
kept_pixels = Constructor("channels.kept_pixels:KeptPixels")
kept_rows = Constructor("channels.kept_rows:KeptRows")
noisy_label = Constructor("channels.noisy_label:NoisyLabel")
permuted_pixels = Constructor("channels.permuted_pixels:PermutedPixels")
quantized = Constructor("channels.quantized:Quantized")
shuffled = Constructor("channels.shuffled:Shuffled")
symmetric = Constructor("channels.symmetric:Symmetric")

GREY = logistic(8, 256, means=(127.5,), scales=(5.0,))
COLOUR = logistic(8, 256, means=(127.5, 127.5, 60.0), scales=(5.0, 20.0, 10.0))
STEEP, FLAT = raster_markov(8, 256, 0.9, 5.0), raster_markov(8, 256, 0.5, 10.0)
FEW_LEVELS = raster_markov(8, 8, 0.5, 0.5)
COLOUR_FIELD = raster_markov(8, 32, 0.8, 1.0, channels=3)
OBJECTS = factors(16, 3, 3)
TEACHER = teacher(8, 256, 1, 5.0)
EVERY_FACTOR = factor_codes(("shape", "row", "column", "colour", "texture"))

# The known cases, which give each other and the fresh cases their intervals.
CASES: dict[str, DescribedCase] = {
    "still-8-identity": DescribedCase(logistic(8, 256, means=(127.0,), scales=(0.06,)), identity()),
    "logistic-8-rows4": DescribedCase(GREY, kept_rows(4)),
    "logistic-8-gaussian": DescribedCase(GREY, gaussian_noise(10.0)),
    "logistic-rgb-8-erasure": DescribedCase(COLOUR, erasure(0.5)),
    "logistic-8-quantized": DescribedCase(logistic(8, 16, means=(6.0,), scales=(1.5,)), quantized(2)),
    "binary-8-symmetric": DescribedCase(uniform(8, 2, 1), symmetric(0.11)),
    "quaternary-rgb-8-symmetric": DescribedCase(uniform(8, 4, 3), symmetric(0.3)),
    "uniform-8-gaussian": DescribedCase(uniform(8, 8, 1), gaussian_noise(1.0)),
    "uniform-16-erasure": DescribedCase(uniform(16, 16, 1), erasure(0.75)),
    "uniform-rgb-16-rows8": DescribedCase(uniform(16, 256, 3), kept_rows(8)),
    "markov-8-rows1": DescribedCase(STEEP, kept_rows(1)),
    "markov-8-rows4": DescribedCase(STEEP, kept_rows(4)),
    "markov-8-rows2-scaled": DescribedCase(FLAT, invertible(kept_rows(2), "scale")),
    "markov-8-pixels4": DescribedCase(FEW_LEVELS, kept_pixels(4)),
    "markov-8-identity": DescribedCase(FEW_LEVELS, identity()),
    "markov-8-identity-shuffled": DescribedCase(FEW_LEVELS, shuffled(identity())),
    "markov-8-identity-permuted": DescribedCase(
        FEW_LEVELS, invertible(identity(), "permutation", "everything")
    ),
    "markov-rgb-8-rows4": DescribedCase(COLOUR_FIELD, kept_rows(4)),
    "markov-rgb-8-rows4-rotated": DescribedCase(COLOUR_FIELD, invertible(kept_rows(4), "rotation")),
    "markov-rgb-16-pixels2": DescribedCase(raster_markov(16, 64, 0.9, 1.0, channels=3), kept_pixels(2)),
    "rectangles-8-identity": DescribedCase(rectangles(8, 2), identity()),
    "rectangles-8-gaussian": DescribedCase(rectangles(8, 2), gaussian_noise(0.7)),
    "rectangles-16-rows8": DescribedCase(rectangles(16, 2), kept_rows(8)),
    "rectangles-8-low-bits-quantized": DescribedCase(low_bits(rectangles(8, 2), 3), quantized(3)),
    "factors-8-class": DescribedCase(factors(8, 4, 1), factor_codes(("shape",))),
    "factors-rgb-8-gaussian": DescribedCase(factors(8, 4, 3), gaussian_noise(3.0)),
    "factors-rgb-8-low-bits-place": DescribedCase(
        low_bits(factors(8, 4, 3), 2), factor_codes(("row", "column"))
    ),
    "factors-rgb-16-looks": DescribedCase(OBJECTS, factor_codes(("shape", "colour", "texture"))),
    "factors-rgb-16-everything-rotated": DescribedCase(OBJECTS, invertible(EVERY_FACTOR, "rotation", seed=1)),
    "factors-rgb-32-colour": DescribedCase(factors(32, 4, 3), factor_codes(("colour", "row"))),
    "teacher-8-rows4": DescribedCase(TEACHER, kept_rows(4)),
    "teacher-8-rows4-shuffled": DescribedCase(TEACHER, shuffled(kept_rows(4))),
    "teacher-rgb-16-image-erasure": DescribedCase(
        teacher(16, 256, 3, 5.0, weights=1), erasure(0.5, of="image")
    ),
    "teacher-rgb-32-rows8": DescribedCase(teacher(32, 256, 3, 4.0), kept_rows(8)),
}

# Written down when the method of the intervals was fixed and before any of them was run. They calibrate no interval.
FRESH_CASES: dict[str, DescribedCase] = {
    "rectangles-16-noisy-label": DescribedCase(rectangles(16, 4), noisy_label(0.05)),
    "binary-8-parity": DescribedCase(uniform(8, 2, 1), counts(1, modulus=2)),
    "uniform-rgb-8-counts": DescribedCase(uniform(8, 4, 3), counts(8)),
    "logistic-rgb-8-permuted": DescribedCase(
        logistic(8, 32, means=(10.0, 15.0, 22.0), scales=(2.0, 3.0, 1.5)), permuted_pixels(64)
    ),
    "markov-8-permuted": DescribedCase(raster_markov(8, 16, 0.7, 1.0), permuted_pixels(20, seed=1)),
    "factors-16-place-texture": DescribedCase(factors(16, 8, 1), factor_codes(("row", "column", "texture"))),
    "teacher-rgb-8-rows3": DescribedCase(teacher(8, 64, 3, 3.0, weights=2), kept_rows(3)),
    "templates-8-noisy-label": DescribedCase(templates(8, 4, 1, 16), noisy_label(0.2)),
    "templates-rgb-16-rows6": DescribedCase(templates(16, 2, 3, 64, seed=1), kept_rows(6)),
    "tiles-8-erasure": DescribedCase(tiles(8, 4, 1, 2, 0.1), erasure(0.5, of="image")),
}
EVERY_CASE = CASES | FRESH_CASES
