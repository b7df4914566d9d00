"""scikit-learn's handwritten digits."""

from typing import ClassVar, Literal

from ib_analysis.datasets.specs.source import SplitSourceSpec


class DigitsSpec(SplitSourceSpec):
    """1,797 real handwritten digits of 8x8 pixels, 17 grey levels, ten classes; no download needed."""

    implementation: ClassVar[str] = "ib_analysis.datasets.digits:Digits"
    kind: Literal["digits"] = "digits"

    @property
    def height(self) -> int:
        """Rows of an image."""
        return 8
