"""The content of a report as plain data: the page adds layout and words, no numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ib_analysis.datasets.dataset import Header
from ib_analysis.figures.samples import Samples
from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.information.tables.agreement import Agreement
from ib_analysis.information.tables.calibration import CalibrationRow
from ib_analysis.information.tables.consistency import ConsistencyRow
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.learned import LearnedRow
from ib_analysis.information.tables.mixture import ComponentRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.information.tables.validation import ValidationRow
from ib_analysis.point import Point, Target
from ib_analysis.seen_by_network import seen_sentence
from ib_analysis.studies.verdict import Verdict

PRETRAINED = "p(x), pretrained"
"""The name of the unconditional decoder that all image decoders start from."""
NEIGHBOUR = "p(x|h), but at the last measured epoch"
"""The name of the image decoders that start from the same tap at the next measured epoch."""


@dataclass(frozen=True)
class EncoderSummary:
    """The settings and the score of an encoder in one regime."""

    encoder: str
    regime: str
    architecture: str
    training: str
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]
    taps: tuple[str, ...]
    score: str = ""
    """The held-out score of the trained network, as text with its unit."""
    remarks: tuple[str, ...] = ()
    """Of a given network: whether it has learned on the images, and which of their pixels it sees."""
    blind: tuple[str, ...] = ()
    """Those of the remarks that say of pixels that the network does not see."""


@dataclass(frozen=True)
class DecoderSummary:
    """A kind of decoder: its density, its architecture and its budget."""

    density: str
    """p(x), p(x|h) or p(y|h)."""
    architecture: str
    budget: str


@dataclass(frozen=True)
class FitSummary:
    """The fit of one decoder; cross-entropies in nats, on the held-out share of its part."""

    point: Point | None
    """The point of its h; None for p(x)."""
    target: Target
    decoder_seed: int
    steps: int
    stopped: Literal["plateau", "budget"]
    near_plateau: bool
    best_step: int
    holdout_nats: float
    holdout_stderr_nats: float
    late_gain_nats: float
    late_gain_stderr_nats: float
    seconds: float

    @property
    def never_improved(self) -> bool:
        """Whether no validation step was better than the start: nothing was learned of what is fitted."""
        return self.best_step == 0

    @property
    def density(self) -> str:
        """The fitted density: p(x), p(x|h) or p(y|h)."""
        if self.point is None:
            return "p(x)"
        return {"image": "p(x|h)", "label": "p(y|h)"}[self.target]


@dataclass(frozen=True)
class Illustration:
    """A figure on disk (`stem`.svg, `stem`.png or both) with its title and caption."""

    title: str
    stem: Path
    caption: str


@dataclass(frozen=True)
class Sheet(Illustration):
    """A sheet of samples: the heading that it stands under, and the points whose samples are its rows, in order."""

    group: str = ""
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Provenance of one artefact."""

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
    samples: tuple[Sheet, ...]
    """Sheets of samples, for paper and for readers without scripts."""
    provenance: tuple[Provenance, ...]
    mixture: tuple[ComponentRow, ...] = ()
    """What CE(x) is made of."""
    ladder: tuple[CalibrationRow, ...] = ()
    """What the decoders read of codes whose information is known."""
    controls: tuple[ControlRow, ...] = ()
    agreement: tuple[Agreement, ...] = ()
    learned: tuple[LearnedRow, ...] = ()
    """Both kinds of images side by side, where it is said which the network has learned on."""
    validation: tuple[ValidationRow, ...] = ()
    consistency: tuple[ConsistencyRow, ...] = ()
    papers: tuple[Verdict, ...] = ()
    drawn: tuple[Samples, ...] = ()
    """The samples themselves, for the explorer."""
    forgetting: tuple[ForgettingRow, ...] = ()
    """What the samples of each point differ in from their originals; it stands beside the images."""
    trusted: tuple[Illustration, ...] = ()
    """The figures that say how far to trust the numbers: known information first, then controls."""
    studies: tuple[Illustration, ...] = ()
    """The figures of the studies."""
    versions: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, str] = field(default_factory=dict)
    """Every seed, or several, by purpose: "decoder fits", "samples", ..."""

    def seeds_run(self) -> int:
        """The largest number of seeds of any encoder."""
        return max((len(encoder.seeds) for encoder in self.encoders), default=0)

    def seen_by_network(self) -> str:
        """Whether given networks have learned on the images, in a sentence; empty where the workflow trained all."""
        return seen_sentence({row.encoder: row.seen_by_network for row in self.rows if row.tap})

    def decoder_fits(self) -> int:
        """How many fits of its decoder the number of a point averages."""
        return max((row.n_fits or 1 for row in self.rows if row.tap), default=1)

    def short_fits(self) -> tuple[FitSummary, ...]:
        """Decoders that were still improving when their fit ended."""
        return tuple(fit for fit in self.fits if not fit.near_plateau)
