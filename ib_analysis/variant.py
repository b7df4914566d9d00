"""Variants of one measurement: itself, a control, or the same with decoders of another seed.

Every variant goes through the very rules and stages that measure the points, so that what it says is said of the
instrument that was used. Its name is the folder results/<experiment>/<variant>/.
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
        """Whether an image goes with its own h."""
        return "shuffled" if self.kind == "shuffled" else "own"

    @property
    def share(self) -> float:
        """The share of the decoder part that decoders are fitted to."""
        return 0.5 if self.kind == "half-data" else 1.0

    @property
    def marginal(self) -> "Variant":
        """The variant whose p(x) it is compared with: its own, but for a shuffled h, which changes no p(x)."""
        return MEASUREMENT if self.kind == "shuffled" else self


MEASUREMENT = Variant("measurement")
"""The variant that the information plane shows."""
