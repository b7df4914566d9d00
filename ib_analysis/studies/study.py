"""The interface of every study."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from ib_analysis import spec
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.studies.specs.study import StudySpec
from ib_analysis.studies.verdict import Verdict


@dataclass(frozen=True)
class Setting:
    """Where a piece of a study runs."""

    device: torch.device
    scratch: Path
    """A folder of this piece alone, in which interrupted work may be kept."""
    dataset: Dataset | None = None
    """The images; None where the study's spec does not read them."""

    @property
    def images(self) -> Dataset:
        """The images of a study that reads them."""
        if self.dataset is None:
            raise ValueError("this study's spec has reads_images = False: it has no images")
        return self.dataset


class Study(ABC):
    """A paper's experiment: pieces are measured one by one, then judged together.

    Built as `Class(spec)`. Every row that `measure` returns is a `Row`, a line of results/<experiment>/<study>.csv; a
    repetition that failed (a diverged training) is a row as well, and says so.
    """

    Spec: ClassVar[type[StudySpec]]
    Row: ClassVar[type[spec.Spec]]

    def __init__(self, settings: Any) -> None:
        self.spec = settings

    @abstractmethod
    def measure(self, piece: str, setting: Setting) -> Sequence[spec.Spec]:
        """The rows of one piece, the same for the same spec, piece and device."""

    @abstractmethod
    def verdicts(self, rows: Sequence[Any]) -> Sequence[Verdict]:
        """What the rows say of each of the paper's claims."""
