"""Architectures with weights to train; each may also be the `network` of a quantized one."""

from typing import Annotated

from pydantic import Field

from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.rir import RirSpec
from ib_analysis.encoders.specs.shortcut_units import ShortcutUnitsSpec
from ib_analysis.encoders.specs.three_layer_resnet import ThreeLayerResNetSpec

TrainableArchitecture = Annotated[
    ResNetSpec | RirSpec | ThreeLayerResNetSpec | ShortcutUnitsSpec, Field(discriminator="kind")
]
"""Add the spec of a new trainable encoder here."""
