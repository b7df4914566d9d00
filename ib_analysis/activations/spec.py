"""Whether activations are stored or recomputed, and at which precision."""

from typing import Literal

from pydantic import Field

from ib_analysis.spec import Spec

Precision = Literal["float32", "float16"]


class ActivationsSpec(Spec):
    """Activations are stored in a memory map while a checkpoint is measured, or recomputed from the checkpoint."""

    source: Literal["stored", "recomputed"] = Field(
        "recomputed",
        description="stored: written once to a temporary memory map; recomputed: one forward pass a batch",
    )
    precision: Precision = Field(
        "float32",
        description="precision of the stored rows; decoders are fitted to the rounded h and evaluated on it",
    )

    @property
    def effective_precision(self) -> Precision:
        """Precision of the h that decoders read; recomputed rows are float32."""
        return self.precision if self.source == "stored" else "float32"
