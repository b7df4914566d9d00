"""Activations that are recomputed from the encoder at every access."""

from collections.abc import Collection

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ib_analysis.activations.activations import Activations
from ib_analysis.activations.tapped import Tapped
from ib_analysis.datasets.dataset import Part
from ib_analysis.errors import UserError


class RecomputedActivations(Activations):
    """h of the images of one part, recomputed in evaluation mode, up to the last tap asked for.

    It costs one forward pass per batch and no disk space. A row may differ by float32 rounding between batches.
    """

    def __init__(self, encoder: Tapped, part: Part, device: torch.device | str) -> None:
        encoder.to(device)
        encoder.eval()
        self.encoder, self.part, self.device = encoder, part, torch.device(device)
        self.shapes = {tap.name: tap.shape for tap in encoder.taps}

    def __len__(self) -> int:
        return len(self.part)

    def shape(self, tap: str) -> tuple[int, ...]:
        """Shape of one h at the tap."""
        if tap not in self.shapes:
            raise UserError(f"the encoder has no tap {tap!r}: choose from {', '.join(self.shapes)}")
        return self.shapes[tap]

    def rows(self, tap: str, rows: NDArray[np.int64]) -> Tensor:
        """h of the given images, float32, shape (len(rows), *shape(tap)), on the device."""
        return self.rows_at((tap,), rows)[tap]

    @torch.no_grad()
    def rows_at(self, taps: Collection[str], rows: NDArray[np.int64]) -> dict[str, Tensor]:
        """h of the given images at several taps, in network order, from one forward pass."""
        x = torch.from_numpy(self.part.images[rows]).to(self.device)
        return {name: h.float().contiguous() for name, h in self.encoder.activations(x, taps).items()}
