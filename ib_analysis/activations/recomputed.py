"""Activations that are recomputed from the encoder at every access."""

from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from decoders.memory import MOST_AT_ONCE, examples_at_once
from ib_analysis.activations.activations import Activations
from ib_analysis.activations.rounding import rounded
from ib_analysis.activations.spec import Precision
from ib_analysis.activations.tapped import Tapped
from ib_analysis.datasets.dataset import Part
from ib_analysis.errors import UserError


class RecomputedActivations(Activations):
    """h of the images of one part, recomputed in evaluation mode, up to the last tap asked for.

    It costs one forward pass per batch and no disk space. Of a large batch as many images pass the network at once as
    the memory holds (`decoders.memory`). A row may differ by float32 rounding between batches. With a `precision` of
    float16 every value is the one that a store of that precision holds.
    """

    def __init__(
        self, encoder: Tapped, part: Part, device: torch.device | str, precision: Precision = "float32"
    ) -> None:
        encoder.to(device)
        encoder.eval()
        self.encoder, self.part, self.device = encoder, part, torch.device(device)
        self.precision = precision
        self.shapes = {tap.name: tap.shape for tap in encoder.taps}
        self.at_once = examples_at_once(self._bytes_per_image(), MOST_AT_ONCE)

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

    def all_rows(self, tap: str) -> Tensor:
        """h of every image, float32, on the device."""
        return self.rows(tap, np.arange(len(self)))

    def rows_at(self, taps: Collection[str], rows: NDArray[np.int64]) -> dict[str, Tensor]:
        """h of the given images at several taps, in network order, from passes of bounded memory."""
        starts = range(0, len(rows), self.at_once) or [0]
        blocks = [self._pass(taps, rows[start : start + self.at_once]) for start in starts]
        return {name: torch.cat([block[name] for block in blocks]) for name in blocks[0]}

    @torch.no_grad()
    def _pass(self, taps: Collection[str], rows: NDArray[np.int64]) -> dict[str, Tensor]:
        x = torch.from_numpy(self.part.images[rows]).to(self.device)
        found = self.encoder.activations(x, taps)
        if self.precision == "float32":
            return {name: h.float().contiguous() for name, h in found.items()}
        return {name: rounded(name, h, self.precision).float().contiguous() for name, h in found.items()}

    def _bytes_per_image(self) -> int:
        """What all layers of the network return for one image: more than is ever alive without gradients."""
        found: list[int] = []

        def count(_: nn.Module, __: Any, output: Any) -> None:
            found.append(output.nbytes if isinstance(output, Tensor) else 0)

        modules = self.encoder.modules() if isinstance(self.encoder, nn.Module) else ()
        hooks = [m.register_forward_hook(count) for m in modules if not any(m.children())]
        try:
            h = self._pass(tuple(self.shapes), np.arange(1))
        finally:
            for hook in hooks:
                hook.remove()
        return sum(found) + sum(values.nbytes for values in h.values())
