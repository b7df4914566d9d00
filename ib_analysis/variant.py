"""Variants of one measurement: itself, a control, or the same with decoders of another seed.

Every variant is measured by the same rules and stages, so that a control tests the instrument that measures the points.
Its name is the folder results/<experiment>/<variant>/.
"""

from typing import Literal, NamedTuple

Kind = Literal["measurement", "shuffled", "half-data", "filters", "budget", "decoder-seed"]
Pairing = Literal["own", "shuffled"]


class Variant(NamedTuple):
    """One variant: `value` is the number of filters, the factor on the steps, or the seed of the decoders."""

    kind: Kind
    value: float = 0.0

    @property
    def name(self) -> str:
        """The name of its folder.

        >>> Variant("shuffled").name, Variant("filters", 8).name, Variant("budget", 0.5).name
        ('shuffled', 'filters-8', 'budget-0.5')
        """
        if self.kind in ("measurement", "shuffled", "half-data"):
            return self.kind
        return f"{self.kind}-{self.value:g}" if self.kind == "budget" else f"{self.kind}-{int(self.value)}"

    @property
    def pairing(self) -> Pairing:
        """Whether an image is paired with its own h or with that of another image."""
        return "shuffled" if self.kind == "shuffled" else "own"

    @property
    def share(self) -> float:
        """The share of the decoder part that decoders are fitted to."""
        return 0.5 if self.kind == "half-data" else 1.0

    @property
    def marginal(self) -> "Variant":
        """The variant whose p(x) it is compared with: itself, or the measurement where only h is shuffled."""
        return MEASUREMENT if self.kind == "shuffled" else self


MEASUREMENT = Variant("measurement")
"""The variant that the information plane shows."""
