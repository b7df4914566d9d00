"""Procedural images with exactly known information."""

from collections.abc import Iterator

import numpy as np

from ib_analysis.datasets.factors import Factors
from ib_analysis.datasets.image_law import FiniteLaw, ImageLaw, SymmetricNoise
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.low_bits import LowBits
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.datasets.rectangles import Rectangles
from ib_analysis.datasets.source import Block, Source, block_length
from ib_analysis.datasets.specs.known_information import KnownInformationSpec
from ib_analysis.datasets.teacher import Teacher
from ib_analysis.errors import UserError

_DRAW = 4  # random stream of the images, independent of that of the split


class KnownInformation(Source):
    """Images of an exactly known law; `known` holds their entropies and informations in nats.

    If an entry NAME of `known` is a mean over drawn images, the entry "stderr of NAME" is its standard error.
    """

    Spec = KnownInformationSpec

    def __init__(self, spec: KnownInformationSpec) -> None:
        self.spec = spec
        self.law = image_law(spec)
        self.name = f"known_information ({spec.source})"
        self.shape = self.law.shape
        self.levels = self.law.levels
        self.class_names = self.law.class_names
        stderr = {f"stderr of {name}": nats for name, nats in self.law.standard_errors().items()}
        self.known = self.law.known(spec.label_noise) | stderr

    @property
    def count(self) -> int:
        """Number of images."""
        return self._universe.count if self.spec.draw == "all" else self.spec.count

    @property
    def _universe(self) -> FiniteLaw:
        if not isinstance(self.law, FiniteLaw):
            raise UserError(
                f"draw: all needs a finite source, and {self.spec.source} is not finite; use sampled"
            )
        return self.law

    def blocks(self) -> Iterator[Block]:
        """All images, identical in every pass."""
        rng = np.random.default_rng([self.spec.seed, _DRAW])
        noise = SymmetricNoise(self.spec.label_noise, len(self.class_names))
        length, everything = block_length(self.shape), self.spec.draw == "all"
        for start in range(0, self.count, length):
            numbers = np.arange(start, min(start + length, self.count))
            images = self._universe.render(numbers) if everything else self.law.draw(len(numbers), rng)
            yield Block(images, noise(self.law.label(images), rng))


def image_law(spec: KnownInformationSpec) -> ImageLaw:
    """The law that a spec describes."""
    if spec.low_bits:
        high = {"levels": spec.levels >> spec.low_bits, "low_bits": 0}
        return LowBits(image_law(spec.model_copy(update=high)), spec.low_bits)
    if spec.source == "rectangles":
        return Rectangles(spec.size, spec.levels)
    if spec.source == "factors":
        return Factors(spec.size, spec.levels, spec.channels)
    if spec.source == "uniform":
        return IndependentPixels.uniform(spec.size, spec.levels, spec.channels)
    return _logistic_law(spec)


def _logistic_law(spec: KnownInformationSpec) -> ImageLaw:
    """The law of a source that is built from discretized logistics."""
    scales = _per_channel(spec.scale, spec.channels)
    if spec.source == "markov":
        return RasterMarkov(spec.size, spec.levels, spec.correlation, scales[0], spec.channels)
    if spec.source == "teacher":
        return Teacher(spec.size, spec.levels, spec.channels, scales[0], spec.weights)
    means = _per_channel((spec.levels - 1) / 2 if spec.mean is None else spec.mean, spec.channels)
    return IndependentPixels.logistic(spec.size, spec.levels, means, scales)


def _per_channel(value: float | tuple[float, ...], channels: int) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,) * channels
