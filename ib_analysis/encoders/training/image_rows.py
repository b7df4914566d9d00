"""The images of one part as batches on a device."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoders.training.prefetch import prefetch
from ib_analysis.datasets.dataset import Part

SHARE_OF_DEVICE_MEMORY = 0.25
"""Largest fraction of a GPU's free memory that the images may take."""

Batch = tuple[Tensor, Tensor]


class ImageRows:
    """uint8 images and int64 labels of one part, read by row onto a device.

    A GPU holds all images if they fit. Otherwise, and on a CPU, a thread reads batches ahead from the memory map, so
    memory does not grow with the number of images.
    """

    def __init__(self, part: Part, device: torch.device) -> None:
        self.part, self.device = part, device
        self.resident: Batch | None = None
        if device.type == "cuda" and fits(part, device):
            self.resident = (
                torch.from_numpy(np.array(part.images)).to(device),
                torch.from_numpy(np.array(part.labels)).to(device),
            )

    def batches(self, order: Iterable[NDArray[np.int64]]) -> Iterator[Batch]:
        """(images (B, C, H, W) uint8, labels (B,) int64) for each array of row numbers."""
        if self.resident is not None:
            x, y = self.resident
            for rows in order:
                on_device = torch.from_numpy(rows).to(self.device)
                yield x[on_device], y[on_device]
        else:
            for x, y in prefetch(self._gathered(rows) for rows in order):
                yield x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)

    def blocks(self, rows: NDArray[np.int64], size: int) -> Iterator[Batch]:
        """The given rows in order, `size` at a time."""
        return self.batches(rows[i : i + size] for i in range(0, len(rows), size))

    def _gathered(self, rows: NDArray[np.int64]) -> Batch:
        x, y = torch.from_numpy(self.part.images[rows]), torch.from_numpy(self.part.labels[rows])
        return (x.pin_memory(), y.pin_memory()) if self.device.type == "cuda" else (x, y)


def fits(part: Part, device: torch.device) -> bool:
    """Whether all images of the part fit into the free memory of the GPU."""
    free, _ = torch.cuda.mem_get_info(device)
    return part.images.nbytes <= SHARE_OF_DEVICE_MEMORY * free


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` of the rows 0..count-1, evenly spaced, which covers all classes of a part sorted by class.

    >>> evenly_spaced(10, 4).tolist(), evenly_spaced(3, 4).tolist()
    ([0, 2, 5, 7], [0, 1, 2])
    """
    taken = min(count, most)
    return np.arange(taken, dtype=np.int64) * count // max(taken, 1)
