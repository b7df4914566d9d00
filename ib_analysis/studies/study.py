"""The interface of every study."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from ib_analysis import spec
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.studies.specs.study import RepeatedStudySpec
from ib_analysis.studies.verdict import Verdict


@dataclass(frozen=True)
class Setting:
    """Device, scratch folder and images of a piece of a study."""

    device: torch.device
    scratch: Path
    """A folder that only this piece uses, in which unfinished work may be stored."""
    dataset: Dataset | None = None
    """The images; None if the study does not read images."""

    @property
    def images(self) -> Dataset:
        """The images of a study that reads them."""
        if self.dataset is None:
            raise ValueError("the spec of this study has reads_images = False, so it has no images")
        return self.dataset


class Study(ABC):
    """A paper's experiment: its pieces are measured independently, then judged together.

    A study is built as `Class(spec)`. Every row that `measure` returns is a `Row` of results/<experiment>/<study>.csv;
    a diverged training is also recorded as a row.
    """

    Spec: ClassVar[type[RepeatedStudySpec]]
    Row: ClassVar[type[spec.Spec]]

    def __init__(self, settings: Any) -> None:
        self.spec = settings

    @abstractmethod
    def measure(self, piece: str, setting: Setting) -> Sequence[spec.Spec]:
        """The rows of one piece, the same for the same spec, piece and device."""

    @abstractmethod
    def verdicts(self, rows: Sequence[Any]) -> Sequence[Verdict]:
        """The verdict of the rows on each claim of the paper."""
