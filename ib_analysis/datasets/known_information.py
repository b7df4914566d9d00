"""Procedural images whose information is known in closed form: the ground truth."""

from collections.abc import Iterator

import numpy as np

from ib_analysis.datasets.image_law import ImageLaw
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.datasets.rectangles import Rectangles
from ib_analysis.datasets.source import Block, Source, block_length
from ib_analysis.datasets.specs.known_information import KnownInformationSpec

_DRAW = 4  # stream of random numbers: the split must not depend on what the images are made of


class KnownInformation(Source):
    """Images drawn from an exact law; `known` holds their entropies and informations in nats."""

    Spec = KnownInformationSpec

    def __init__(self, spec: KnownInformationSpec) -> None:
        self.spec = spec
        self.law = image_law(spec)
        self.name = f"known_information ({spec.source})"
        self.shape = (1, spec.size, spec.size)
        self.levels = spec.levels
        self.class_names = self.law.class_names
        self.known = self.law.known(spec.label_noise)

    def blocks(self) -> Iterator[Block]:
        """`count` images, the same at each pass."""
        rng = np.random.default_rng([self.spec.seed, _DRAW])
        length = block_length(self.shape)
        for start in range(0, self.spec.count, length):
            images = self.law.draw(min(length, self.spec.count - start), rng)
            flipped = rng.random(len(images)) < self.spec.label_noise
            yield Block(images, self.law.label(images) ^ flipped)


def image_law(spec: KnownInformationSpec) -> ImageLaw:
    """The law that a spec describes."""
    if spec.source == "rectangles":
        return Rectangles(spec.size, spec.levels)
    correlation = spec.correlation if spec.source == "markov" else 0.0
    return RasterMarkov(spec.size, spec.levels, correlation, spec.scale)
