"""The content of a report as plain data: the page adds layout and words, no numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ib_analysis.datasets.dataset import Header
from ib_analysis.information.tables.agreement import Agreement
from ib_analysis.information.tables.consistency import ConsistencyRow
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.information.tables.validation import ValidationRow
from ib_analysis.point import Point, Target
from ib_analysis.studies.verdict import Verdict

PRETRAINED = "p(x), pretrained"
"""The name of the unconditional decoder that all image decoders start from."""
NEIGHBOUR = "p(x|h), but at the last measured epoch"
"""The name of the image decoders that start from the same tap at the next measured epoch."""


@dataclass(frozen=True)
class EncoderSummary:
    """A network under study in one regime, as it was run."""

    encoder: str
    regime: str
    architecture: str
    training: str
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]
    taps: tuple[str, ...]
    score: str = ""
    """What the trained network achieves, in words with its unit."""


@dataclass(frozen=True)
class DecoderSummary:
    """A kind of decoder: what it predicts, how large it is, what it was allowed to spend."""

    density: str
    """p(x), p(x|h) or p(y|h)."""
    architecture: str
    budget: str


@dataclass(frozen=True)
class FitSummary:
    """How far one decoder got; cross-entropies in nats, on the held-out share of its part."""

    point: Point | None
    """Where its h is read; None for p(x)."""
    target: Target
    steps: int
    stopped: Literal["plateau", "budget"]
    near_plateau: bool
    best_step: int
    holdout_nats: float
    holdout_stderr_nats: float
    late_gain_nats: float
    late_gain_stderr_nats: float
    seconds: float
    ignores_h: bool = False

    @property
    def density(self) -> str:
        """The density that was fitted: p(x), p(x|h) or p(y|h)."""
        if self.point is None:
            return "p(x)"
        return {"image": "p(x|h)", "label": "p(y|h)"}[self.target]


@dataclass(frozen=True)
class Illustration:
    """A figure: `stem`.svg and/or `stem`.png on disk, and the words beside it."""

    title: str
    stem: Path
    caption: str
    group: str = ""
    """Heading under which a sheet of samples stands."""


@dataclass(frozen=True)
class Provenance:
    """How one kind of artefact was made."""

    artefact: str
    made_by: str
    code: str
    device: str
    seconds: float | None = None


@dataclass(frozen=True)
class ReportContent:
    """One report; every tuple may be empty."""

    title: str
    experiment: str
    dataset: Header
    encoders: tuple[EncoderSummary, ...]
    decoders: tuple[DecoderSummary, ...]
    rows: tuple[InformationRow, ...]
    stages: tuple[StagesRow, ...]
    fits: tuple[FitSummary, ...]
    figures: tuple[Illustration, ...]
    samples: tuple[Illustration, ...]
    provenance: tuple[Provenance, ...]
    controls: tuple[ControlRow, ...] = ()
    agreement: tuple[Agreement, ...] = ()
    validation: tuple[ValidationRow, ...] = ()
    consistency: tuple[ConsistencyRow, ...] = ()
    papers: tuple[Verdict, ...] = ()
    studies: tuple[Illustration, ...] = ()
    """The figures of the papers' own experiments."""
    versions: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    """Every seed by what it drives: "decoder fits", "samples", ..."""

    def seeds_run(self) -> int:
        """The largest number of seeds of any encoder."""
        return max((len(encoder.seeds) for encoder in self.encoders), default=0)

    def short_fits(self) -> tuple[FitSummary, ...]:
        """Decoders that were still improving when their fit ended."""
        return tuple(fit for fit in self.fits if not fit.near_plateau)
