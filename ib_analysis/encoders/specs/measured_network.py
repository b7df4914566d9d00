"""A network of the experiment and what is measured of it: the slice of every stage that reads h."""

from typing import Literal

from ib_analysis import spec
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.point import Network


class MeasuredNetwork(spec.Spec):
    """A network, its measured epochs and taps; the architecture names the code that computes h.

    `precision` is that of the h that decoders read, in the fit and afterwards.
    """

    encoder: str
    regime: Regime
    seed: int
    epochs: tuple[int, ...]
    taps: tuple[str, ...]
    architecture: spec.Described
    precision: Literal["float32", "float16"]

    @property
    def network(self) -> Network:
        """The network's address."""
        return Network(self.encoder, self.regime, self.seed)
