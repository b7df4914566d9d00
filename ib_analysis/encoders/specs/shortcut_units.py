"""Networks of units with shortcuts over one, two or three layers, or without shortcuts."""

from typing import ClassVar, Literal

from pydantic import Field

from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.training import Regime

Shortcut = Literal["none", 1, 2, 3]
Nonlinearity = Literal["identity", "tanh", "relu"]
Initialization = Literal["near_zero", "xavier", "orthogonal"]
Layout = Literal["dense", "convolutional"]


class ShortcutUnitsSpec(EncoderSpec):
    """A stem, then equal units with a shortcut over one, two or three layers, or without one (Li et al. 2016).

    Every layer has the same width and no norm, so that only the shortcut and the initialization determine the loss
    surface around the initial point.
    """

    implementation: ClassVar[str] = "ib_analysis.encoders.shortcut_units:ShortcutUnits"
    regimes: ClassVar[tuple[Regime, ...]] = ("classifier", "autoencoder")
    kind: Literal["shortcut_units"] = "shortcut_units"
    units: int = Field(3, ge=1, description="units, with a tap after each")
    shortcut: Shortcut = Field(
        2,
        description="layers of a unit, all skipped by its shortcut; none: one layer without a shortcut",
    )
    nonlinearity: Nonlinearity = Field(
        "relu",
        description="nonlinearity between the layers of a unit; in a unit of one layer it precedes the layer",
    )
    layout: Layout = Field("dense", description="dense layers, or 3x3 convolutions at one resolution")
    width: int = Field(32, ge=1, description="units of every dense layer, or channels of every convolution")
    initialization: Initialization = Field(
        "near_zero", description="initial weights of the units: Gaussian with `std`, Xavier's, or orthogonal"
    )
    std: float = Field(0.01, gt=0, description="standard deviation of the weights of near_zero")
    bottleneck: int = Field(16, ge=1, description="width of the code of the autoencoder")

    @property
    def layers(self) -> int:
        """Number of layers of all units.

        >>> [ShortcutUnitsSpec(units=6, shortcut=s).layers for s in ("none", 1, 2, 3)]
        [6, 6, 12, 18]
        """
        return self.units * layers_of_a_unit(self.shortcut)

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order; layer6 is the output of the sixth layer for every kind of shortcut.

        >>> ShortcutUnitsSpec(units=2, shortcut=3).tap_names("classifier")
        ('stem', 'layer3', 'layer6', 'logits')
        """
        depth = layers_of_a_unit(self.shortcut)
        units = tuple(f"layer{depth * i}" for i in range(1, self.units + 1))
        return ("stem", *units, "logits" if regime == "classifier" else "bottleneck")


def layers_of_a_unit(shortcut: Shortcut) -> int:
    """Number of layers of a unit: one without a shortcut, else the number that it skips.

    >>> [layers_of_a_unit(shortcut) for shortcut in ("none", 1, 2, 3)]
    [1, 1, 2, 3]
    """
    return 1 if shortcut == "none" else shortcut
