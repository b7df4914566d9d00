"""Networks of units whose shortcuts skip one, two or three layers, or none."""

from typing import ClassVar, Literal

from pydantic import Field

from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.training import Regime

Shortcut = Literal["none", 1, 2, 3]
Nonlinearity = Literal["identity", "tanh", "relu"]
Initialization = Literal["near_zero", "xavier", "orthogonal"]
Layout = Literal["dense", "convolutional"]


class ShortcutUnitsSpec(EncoderSpec):
    """A stem, then equal units with the identity beside one, two or three layers (Li et al. 2016), or without it.

    Every layer has the same width and no norm, so that nothing but the shortcut and the initialization decides how
    the loss looks around the initial point.
    """

    implementation: ClassVar[str] = "ib_analysis.encoders.shortcut_units:ShortcutUnits"
    regimes: ClassVar[tuple[Regime, ...]] = ("classifier", "autoencoder")
    kind: Literal["shortcut_units"] = "shortcut_units"
    units: int = Field(3, ge=1, description="units, with a tap after each")
    shortcut: Shortcut = Field(
        2,
        description="layers of a unit, which its shortcut skips; none: units of one layer without a shortcut",
    )
    nonlinearity: Nonlinearity = Field(
        "relu", description="between the layers of a unit; before the layer where there is one alone"
    )
    layout: Layout = Field(
        "dense", description="layers that are matrices, or 3x3 convolutions at one resolution"
    )
    width: int = Field(32, ge=1, description="units of every dense layer, or channels of every convolution")
    initialization: Initialization = Field(
        "near_zero", description="weights of the units: tiny Gaussian ones, Xavier's, or orthogonal ones"
    )
    std: float = Field(0.01, gt=0, description="standard deviation of the weights of near_zero")
    bottleneck: int = Field(16, ge=1, description="width of the code of the autoencoder")

    @property
    def layers(self) -> int:
        """Layers of all units together.

        >>> [ShortcutUnitsSpec(units=6, shortcut=s).layers for s in ("none", 1, 2, 3)]
        [6, 6, 12, 18]
        """
        return self.units * layers_of_a_unit(self.shortcut)

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in network order; layer6 stands behind the same number of layers whatever the shortcut.

        >>> ShortcutUnitsSpec(units=2, shortcut=3).tap_names("classifier")
        ('stem', 'layer3', 'layer6', 'logits')
        """
        depth = layers_of_a_unit(self.shortcut)
        units = tuple(f"layer{depth * i}" for i in range(1, self.units + 1))
        return ("stem", *units, "logits" if regime == "classifier" else "bottleneck")


def layers_of_a_unit(shortcut: Shortcut) -> int:
    """One without a shortcut, else as many as it skips.

    >>> [layers_of_a_unit(shortcut) for shortcut in ("none", 1, 2, 3)]
    [1, 1, 2, 3]
    """
    return 1 if shortcut == "none" else shortcut
