"""How decoders come by the activations."""

from typing import Literal

from pydantic import Field

from ib_analysis.spec import Spec


class ActivationsSpec(Spec):
    """Kept in a memory-mapped store while a checkpoint is measured, or recomputed from the checkpoint."""

    source: Literal["stored", "recomputed"] = Field(
        "recomputed", description="one interface, two ways to come by h"
    )
    precision: Literal["float32", "float16"] = Field(
        "float32",
        description="of the stored rows, to which decoders are fitted; they are judged by rows that are not rounded",
    )

    @property
    def effective_precision(self) -> Literal["float32", "float16"]:
        """What decoders are fitted to: rows that are not stored are not rounded."""
        return self.precision if self.source == "stored" else "float32"
