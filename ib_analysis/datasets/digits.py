"""scikit-learn's handwritten digits, real images without a download."""

from collections.abc import Iterator

import numpy as np
from sklearn.datasets import load_digits

from ib_analysis.datasets.source import Block, Source, in_blocks
from ib_analysis.datasets.specs.digits import DigitsSpec


class Digits(Source):
    """1,797 digits of 8x8 pixels, 17 grey levels (UCI ML repository; Alpaydin & Kaynak 1998)."""

    Spec = DigitsSpec
    name = "digits"
    shape = (1, 8, 8)
    levels = 17
    class_names = tuple("0123456789")

    def __init__(self, spec: DigitsSpec) -> None:
        self.spec = spec

    def blocks(self) -> Iterator[Block]:
        """The digits in scikit-learn's order."""
        digits = load_digits()
        images = digits.images.astype(np.uint8)[:, np.newaxis]
        yield from in_blocks(images, digits.target.astype(np.int64))
