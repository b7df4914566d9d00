"""A prepared data set: memory-mapped images in three disjoint parts."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ib_analysis.point import Target
from ib_analysis.spec import Spec

PartName = Literal["encoder", "decoder", "evaluation"]
PARTS: tuple[PartName, ...] = ("encoder", "decoder", "evaluation")


class Header(Spec):
    """Description of a prepared data set, which is read without its images."""

    name: str
    channels: int
    height: int
    width: int
    levels: int
    class_names: tuple[str, ...]
    counts: dict[PartName, int]
    duplicates_dropped: int
    fingerprint: str
    sha256: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the files of images and labels, by name."""
    known: dict[str, float] | None = None

    @property
    def labelled(self) -> bool:
        """Whether the images have labels, which takes two classes."""
        return len(self.class_names) > 1

    @property
    def targets(self) -> tuple[Target, ...]:
        """What decoders predict: the image, and the label where there is one."""
        return ("image", "label") if self.labelled else ("image",)

    @property
    def dimensions(self) -> int:
        """Number of sub-pixels of one image."""
        return self.channels * self.height * self.width


@dataclass(frozen=True)
class Part:
    """One part: uint8 images (N, C, H, W), memory-mapped and read-only, and int64 labels (N,)."""

    name: PartName
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """Three disjoint parts: encoders are trained on one, decoders fitted on the next, numbers reported on the last."""

    header: Header
    encoder: Part
    decoder: Part
    evaluation: Part

    def part(self, name: PartName) -> Part:
        """The part with the given name."""
        return {"encoder": self.encoder, "decoder": self.decoder, "evaluation": self.evaluation}[name]
