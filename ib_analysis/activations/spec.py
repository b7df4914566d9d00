"""Whether activations are stored or recomputed, and at which precision."""

from typing import Literal

from pydantic import Field

from ib_analysis.spec import Spec


class ActivationsSpec(Spec):
    """Activations are stored in a memory map while a checkpoint is measured, or recomputed from the checkpoint."""

    source: Literal["stored", "recomputed"] = Field(
        "recomputed",
        description="stored: written once to a temporary memory map; recomputed: one forward pass a batch",
    )
    precision: Literal["float32", "float16"] = Field(
        "float32",
        description="precision of the stored rows, to which decoders are fitted; evaluation never uses rounded rows",
    )

    @property
    def effective_precision(self) -> Literal["float32", "float16"]:
        """Precision of the rows to which decoders are fitted; recomputed rows are float32."""
        return self.precision if self.source == "stored" else "float32"
