"""The networks of the zoo that are trained; an architecture is one of them, or is made of one."""

from typing import Annotated

from pydantic import Field

from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.rir import RirSpec
from ib_analysis.encoders.specs.shortcut_units import ShortcutUnitsSpec
from ib_analysis.encoders.specs.three_layer_resnet import ThreeLayerResNetSpec

Network = Annotated[
    ResNetSpec | RirSpec | ThreeLayerResNetSpec | ShortcutUnitsSpec, Field(discriminator="kind")
]
"""Name a new family here: it is then an `architecture` of its own, and the `network` of a quantized one."""
