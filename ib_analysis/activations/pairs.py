"""Pairs (target, h) of one part, to which a decoder is fitted and on which it is evaluated."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ib_analysis.activations.activations import Activations
from ib_analysis.datasets.dataset import Part
from ib_analysis.variant import Pairing

_SHUFFLE, _SHARE = 7, 8  # streams of random numbers


@dataclass(frozen=True)
class ImagePairs:
    """Images with the activations at one tap, or images without activations."""

    part: Part
    device: torch.device
    activations: Activations | None = None
    tap: str = ""

    def __len__(self) -> int:
        return len(self.part)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Images uint8 (n, C, H, W) and h float32 (n, ...), on the device."""
        target = torch.from_numpy(self.part.images[rows]).to(self.device, non_blocking=True)
        return target, _rows(self.activations, self.tap, rows, self.device)


@dataclass(frozen=True)
class LabelPairs:
    """Labels with the activations at one tap."""

    part: Part
    device: torch.device
    activations: Activations
    tap: str

    def __len__(self) -> int:
        return len(self.part)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Labels int64 (n,) and h float32 (n, ...), on the device."""
        target = torch.from_numpy(self.part.labels[rows]).to(self.device, non_blocking=True)
        return target, _rows(self.activations, self.tap, rows, self.device)


@dataclass(frozen=True)
class ClassPairs:
    """Images with a code of one unit a class: of their own label, or of the class `told` in its place."""

    part: Part
    device: torch.device
    classes: int
    told: int | None = None

    def __len__(self) -> int:
        return len(self.part)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Images uint8 (n, C, H, W) and codes float32 (n, classes), on the device."""
        target = torch.from_numpy(self.part.images[rows]).to(self.device, non_blocking=True)
        labels = self.part.labels[rows] if self.told is None else np.full(len(rows), self.told)
        codes = np.eye(self.classes, dtype=np.float32)[labels]
        return target, torch.from_numpy(codes).to(self.device, non_blocking=True)


def _rows(
    activations: Activations | None, tap: str, rows: NDArray[np.int64], device: torch.device
) -> Tensor | None:
    return None if activations is None else activations.rows(tap, rows).to(device, non_blocking=True)


@dataclass(frozen=True)
class ShuffledPairs:
    """The pairs of another set with h permuted between examples: a control under which I must be 0.

    The permutation is a random cycle, so that no example keeps its own h.
    """

    pairs: ImagePairs | LabelPairs | ClassPairs
    seed: int

    @cached_property
    def others(self) -> NDArray[np.int64]:
        """For each example the row whose h it gets, (n,)."""
        cycle = np.random.default_rng([self.seed, _SHUFFLE]).permutation(len(self.pairs))
        others = np.empty_like(cycle)
        others[cycle] = np.roll(cycle, 1)
        return others

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Targets of the given rows, and h of their partners."""
        return self.pairs.batch(rows)[0], self.pairs.batch(self.others[rows])[1]


@dataclass(frozen=True)
class ShareOfPairs:
    """A random subset of the pairs of another set, in their order: a control of the amount of data."""

    pairs: ImagePairs | LabelPairs | ClassPairs
    share: float
    seed: int

    @cached_property
    def chosen(self) -> NDArray[np.int64]:
        """The chosen rows of the other set, increasing."""
        count = max(1, round(self.share * len(self.pairs)))
        order = np.random.default_rng([self.seed, _SHARE]).permutation(len(self.pairs))
        return np.sort(order[:count])

    def __len__(self) -> int:
        return len(self.chosen)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """The chosen pairs with the given numbers."""
        return self.pairs.batch(self.chosen[rows])


def apply_control(
    pairs: ImagePairs | LabelPairs | ClassPairs, pairing: Pairing, share: float, seed: int
) -> ImagePairs | LabelPairs | ClassPairs | ShuffledPairs | ShareOfPairs:
    """The pairs under a control, which changes either the pairing or the share."""
    if pairing == "shuffled":
        return ShuffledPairs(pairs, seed)
    return ShareOfPairs(pairs, share, seed) if share < 1 else pairs
