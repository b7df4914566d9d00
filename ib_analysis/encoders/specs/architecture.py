"""Every architecture that a configuration may name."""

from typing import Annotated

from pydantic import Field

from ib_analysis.encoders.specs.identity import IdentitySpec
from ib_analysis.encoders.specs.kept_rows import KeptRowsSpec
from ib_analysis.encoders.specs.quantized import QuantizedSpec
from ib_analysis.encoders.specs.torch_module import TorchModuleSpec
from ib_analysis.encoders.specs.trainable import TrainableArchitecture

Architecture = Annotated[
    TrainableArchitecture | QuantizedSpec | TorchModuleSpec | KeptRowsSpec | IdentitySpec,
    Field(discriminator="kind"),
]
