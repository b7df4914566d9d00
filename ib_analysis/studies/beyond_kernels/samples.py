"""The vectors of one seed: what is learned from, what selects settings, what errors are measured on."""

from dataclasses import dataclass

from torch import Tensor

from ib_analysis.encoders.training.seeding import generator
from ib_analysis.studies.beyond_kernels.concept import Concept

WEIGHTS, ORDER, LEARN, VALIDATION, TEST, PROBED = range(6)
"""Purposes of random numbers; those of one seed are independent."""


@dataclass(frozen=True)
class Vectors:
    """Vectors (n, inputs) and their targets (n, outputs)."""

    x: Tensor
    y: Tensor

    @classmethod
    def of(cls, concept: Concept, x: Tensor) -> "Vectors":
        """The vectors with what the concept says of them."""
        return cls(x, concept(x))


@dataclass(frozen=True)
class Samples:
    """Three independent draws of one seed."""

    learn: Vectors
    validation: Vectors
    test: Vectors


def draw_samples(concept: Concept, seed: int, learn: int, validation: int, test: int) -> Samples:
    """So many vectors of each kind; another number of one kind leaves the other kinds as they are."""
    counts = {LEARN: learn, VALIDATION: validation, TEST: test}
    parts = [Vectors.of(concept, concept.draw(n, generator(seed, purpose))) for purpose, n in counts.items()]
    return Samples(*parts)
