"""Decoders and baseline estimators on one source and channel whose information is known."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from decoders.density import Decoder
from decoders.evaluation import class_log_probabilities, nats_per_example
from decoders.pairs import TensorPairs
from decoders.saving import load_decoder
from decoders.spec import FitSpec, ImageTarget, LabelTarget
from ib_analysis import spec
from ib_analysis.channels.cases import Case, Drawn, validation_case
from ib_analysis.decoder_fits import Piece, fit_or_reuse
from ib_analysis.device import resolve_device
from ib_analysis.errors import UserError
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.measurement.cross_entropy import cross_entropy, information
from ib_analysis.information.measurement.estimate import DECODERS, Estimate
from ib_analysis.information.measurement.evaluation import MixedMarginal, PointNats
from ib_analysis.information.measurement.label_information import label_information, label_nats
from ib_analysis.information.measurement.parts import Parts, Rows, rows_of_decoder_part
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.validation import Beside, Source, ValidationRow, validation_row
from ib_analysis.point_density import Reading, read_image, read_label
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.scratch import locked
from ib_analysis.stages.estimate_baselines import build_estimators
from ib_analysis.variant import MEASUREMENT

SMALLEST_SIDE = 8
"""Height and width of images for which `batch_size` is that of the configuration."""
FITTING, EVALUATION = 1, 2
"""Independent random streams of the two parts."""
DECODERS_OF_KNOWN_ENTROPY = f"{DECODERS}, H(x) known"


class Spec(spec.Spec):
    """Slice of the experiment."""

    case: str
    made_of: tuple[spec.Described, ...]
    """Implementations of the source and the channel, so that an edit of their code changes the digest."""
    decoder: spec.Described
    pretrained_fit: FitSpec
    image_fit: FitSpec
    label: spec.Described
    label_fit: FitSpec
    baselines: dict[str, spec.Described]
    images: int
    seed: int


def run(slice_: Spec, job: Job, *, scratch: Path, out: Path) -> None:
    """Write `out`: a row for each quantity and method."""
    device = resolve_device(job.device, job.threads)
    case = validation_case(slice_.case)
    baselines = build_estimators(slice_.baselines)
    fitting = case.draw(case.sizes.fitting, 2 * slice_.seed + FITTING)
    evaluation = case.draw(case.sizes.evaluation, 2 * slice_.seed + EVALUATION)
    with locked(scratch):
        fits = _Fits(slice_, job, case, fitting, evaluation, device, scratch)
        rows = [*_decoders(case, evaluation, fits), *_baselines(case, evaluation, baselines, slice_.images)]
    write_rows(out, ValidationRow, rows)
    job.record(out)


class _Fits:
    """The decoders of a case, each with the seconds of its fit, and what they say of the images of each kind.

    A batch has the size of the configuration at 8x8, half of it at 16x16, a quarter at 32x32. p(x) and p(x given h)
    start from the same pretrained decoder and take the same number of further steps, so the gain of those steps does
    not count as information. q(x given h) is the mixture of p(x given h) and p(x) that the held-out images choose.
    """

    def __init__(
        self,
        slice_: Spec,
        job: Job,
        case: Case,
        fitting: Drawn,
        evaluation: Drawn,
        device: torch.device,
        scratch: Path,
    ) -> None:
        channels, height, width = case.law.shape
        target = ImageTarget(channels=channels, height=height, width=width, levels=case.law.levels)
        facts = {"code": job.code, "case": case.name, "seed": slice_.seed}
        self.device, self.scratch = device, scratch
        self.fitting, self.evaluation = fitting, evaluation
        start = time.monotonic()
        context = tuple(fitting.h.shape[1:])
        pretrained_fit, fit = (_sized(spec, height) for spec in (slice_.pretrained_fit, slice_.image_fit))
        alone, of_h = (self.pairs(fitting, "images", conditional) for conditional in (False, True))
        pretrained = self.fitted(
            Piece("pretrained", slice_.decoder, target, None, alone, pretrained_fit, facts)
        )
        without_h = Piece("marginal", slice_.decoder, target, None, alone, fit, facts, pretrained)
        marginal = self.nats(self.fitted(without_h), fit.holdout, conditional=False)
        self.marginal_seconds = time.monotonic() - start
        with_h = Piece("image", slice_.decoder, target, context, of_h, fit, facts, pretrained)
        image = self.nats(self.fitted(with_h), fit.holdout, conditional=True)
        self.image_seconds = time.monotonic() - start
        start = time.monotonic()
        labels = Piece(
            "label", slice_.label, LabelTarget(classes=len(case.law.class_names)), context,
            self.pairs(fitting, "labels", True), slice_.label_fit, facts,
        )  # fmt: skip
        point = self.point(image, self.fitted(labels), slice_.label_fit.holdout)
        self.label_seconds = time.monotonic() - start
        self.image = read_image([point], [MixedMarginal(MEASUREMENT.name, marginal, None)])
        self.label = read_label([point], label_nats(evaluation.labels))

    def fitted(self, piece: Piece) -> Path:
        """The weights of the fitted decoder."""
        return fit_or_reuse(piece, self.scratch, self.device) / "decoder.safetensors"

    def pairs(self, drawn: Drawn, target: str, conditional: bool) -> TensorPairs:
        """Images or labels with h, or alone, on the device."""
        h = torch.from_numpy(drawn.h).to(self.device) if conditional else None
        return TensorPairs(torch.from_numpy(getattr(drawn, target)).to(self.device), h)

    def kinds(self, holdout: float) -> tuple[tuple[Drawn, Rows], ...]:
        """The images of each kind and the rows that belong to it, for a fit that held out that share."""
        held, fitted = rows_of_decoder_part(len(self.fitting.labels), holdout)
        return (
            (self.evaluation, np.arange(len(self.evaluation.labels))),
            (self.fitting, held),
            (self.fitting, fitted),
        )

    def nats(self, path: Path, holdout: float, *, conditional: bool) -> Parts:
        """-log q of every image."""
        decoder: Decoder = load_decoder(path).to(self.device)
        return Parts(
            *(
                nats_per_example(decoder, self.pairs(drawn, "images", conditional), self.device, rows=rows)
                for drawn, rows in self.kinds(holdout)
            )
        )

    def point(self, image: Parts, path: Path, holdout: float) -> PointNats:
        """The nats of the images, and what the classifier of h says of the classes."""
        decoder: Decoder = load_decoder(path).to(self.device)
        kinds = self.kinds(holdout)
        classes = Parts(
            *(
                class_log_probabilities(decoder, self.pairs(drawn, "labels", True), self.device, rows=rows)
                for drawn, rows in kinds
            )
        )
        return PointNats.of(image, classes, [drawn.labels[rows] for drawn, rows in kinds])


def _sized(fit: FitSpec, side: int) -> FitSpec:
    """The fit with a smaller batch for larger images, whose convolutions see more pixels per image."""
    return fit.model_copy(update={"batch_size": max(1, fit.batch_size * SMALLEST_SIDE // side)})


def _decoders(case: Case, evaluation: Drawn, fits: _Fits) -> Iterator[ValidationRow]:
    """Rows of the entropy, of I(x; h) by difference and from the known entropy, and of I(y; h)."""
    entropy, truth, of_label = case.entropy, case.information, case.label_information
    source, image, label = _source(case), fits.image, fits.label

    def row(
        estimate: Estimate,
        truth: tuple[float, float],
        seconds: float,
        beside: Beside | None = None,
        method: str = DECODERS,
    ) -> ValidationRow:
        named = estimate.model_copy(update={"method": method})
        return validation_row(source, named, truth, seconds, beside)

    both = fits.image_seconds
    yield row(cross_entropy(image.marginal, Quantity.IMAGE_CROSS_ENTROPY), entropy, fits.marginal_seconds)
    yield row(information(image.marginal, image.averaged), truth, both, _beside(image))
    lower = information(None, image.averaged, known_entropy_nats=entropy[0])
    yield row(lower, truth, both, method=DECODERS_OF_KNOWN_ENTROPY)
    read = label_information(evaluation.labels, label.averaged)
    yield row(read, of_label, fits.label_seconds, _beside(label))


def _source(case: Case) -> Source:
    return Source(case.name, case.family, int(np.prod(case.law.shape)))


def _beside(reading: Reading) -> Beside:
    return Beside(reading.fitted, reading.raw, reading.weight)


def _baselines(
    case: Case, evaluation: Drawn, baselines: dict[str, Estimator], images: int
) -> Iterator[ValidationRow]:
    x = evaluation.images[:images].reshape(min(images, len(evaluation.images)), -1)
    h = evaluation.h[:images].reshape(len(x), -1)
    for name, estimator in baselines.items():
        try:
            start = time.monotonic()
            found = estimator.estimate(x, h, Quantity.IMAGE_INFORMATION)
        except UserError as error:
            print(f"{case.name}: {name} gives no {Quantity.IMAGE_INFORMATION}: {error}")
            continue
        named = found.model_copy(update={"method": name})
        yield validation_row(_source(case), named, case.information, time.monotonic() - start)
