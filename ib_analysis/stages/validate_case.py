"""Decoders and baseline estimators on one source and channel whose information is known."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from decoders.density import Decoder
from decoders.evaluation import nats_per_example
from decoders.pairs import TensorPairs
from decoders.saving import load_decoder
from decoders.spec import FitSpec, ImageTarget, LabelTarget
from ib_analysis import spec
from ib_analysis.channels.cases import Case, Drawn, validation_case
from ib_analysis.device import resolve_device
from ib_analysis.errors import UserError
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.measurement.cross_entropy import cross_entropy, information
from ib_analysis.information.measurement.estimate import DECODERS, Estimate
from ib_analysis.information.measurement.label_information import label_information
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.validation import ValidationRow, validation_row
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.scratch import locked
from ib_analysis.stages.estimate_baselines import build_estimators
from ib_analysis.stages.fit_decoders import Piece, fit_or_reuse

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
    """The three decoders of a case, each with the seconds of its fit, and their nats on the evaluation part.

    A batch has the size of the configuration at 8x8, half of it at 16x16, a quarter at 32x32. p(x) and p(x given h)
    start from the same pretrained decoder and take the same number of further steps, so the gain of those steps does
    not count as information. p(x) takes the place of a p(x given h) that is no better.
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
        image = ImageTarget(channels=channels, height=height, width=width, levels=case.law.levels)
        label = LabelTarget(classes=len(case.law.class_names))
        facts = {"code": job.code, "case": case.name, "seed": slice_.seed}
        self.device, self.scratch = device, scratch
        self.fitting, self.evaluation = fitting, evaluation
        start = time.monotonic()
        context = tuple(fitting.h.shape[1:])
        pretrained_fit, fit = (_sized(spec, height) for spec in (slice_.pretrained_fit, slice_.image_fit))
        alone = self.pairs(fitting, "images", False)
        pretrained = Piece("pretrained", slice_.decoder, image, None, alone, pretrained_fit, facts)
        start_from = fit_or_reuse(pretrained, scratch, device) / "decoder.safetensors"
        marginal = Piece("marginal", slice_.decoder, image, None, alone, fit, facts, start_from)
        without_h = fit_or_reuse(marginal, scratch, device) / "decoder.safetensors"
        self.marginal = self.nats(without_h, "images", False)
        self.marginal_seconds = time.monotonic() - start
        conditional = Piece(
            "image", slice_.decoder, image, context, self.pairs(fitting, "images", True), fit,
            facts, start_from,
        )  # fmt: skip
        self.image = self.nats(
            fit_or_reuse(conditional, scratch, device) / "decoder.safetensors", "images", True
        )
        self.image_seconds = time.monotonic() - start
        start = time.monotonic()
        labels = Piece(
            "label",
            slice_.label,
            label,
            context,
            self.pairs(fitting, "labels", True),
            slice_.label_fit,
            facts,
        )
        self.label = self.nats(fit_or_reuse(labels, scratch, device) / "decoder.safetensors", "labels", True)
        self.label_seconds = time.monotonic() - start

    def pairs(self, drawn: Drawn, target: str, conditional: bool) -> TensorPairs:
        """Images or labels with h, or alone, on the device."""
        h = torch.from_numpy(drawn.h).to(self.device) if conditional else None
        return TensorPairs(torch.from_numpy(getattr(drawn, target)).to(self.device), h)

    def nats(self, path: Path, target: str, conditional: bool) -> NDArray[np.float64]:
        """-log q of every evaluation example."""
        decoder: Decoder = load_decoder(path).to(self.device)
        pairs = self.pairs(self.evaluation, target, conditional)
        return nats_per_example(decoder, pairs, device=self.device)


def _sized(fit: FitSpec, side: int) -> FitSpec:
    """The fit with a smaller batch for larger images, whose convolutions see more pixels per image."""
    return fit.model_copy(update={"batch_size": max(1, fit.batch_size * SMALLEST_SIDE // side)})


def _decoders(case: Case, evaluation: Drawn, fits: _Fits) -> Iterator[ValidationRow]:
    """Rows of the entropy, of I(x; h) by difference and from the known entropy, and of I(y; h)."""
    entropy, truth, of_label = case.entropy, case.information, case.label_information
    dimensions = int(np.prod(case.law.shape))

    def row(estimate: Estimate, truth: tuple[float, float], seconds: float, method: str) -> ValidationRow:
        named = estimate.model_copy(update={"method": method})
        return validation_row(case.name, named, truth, dimensions, seconds)

    both = fits.image_seconds
    yield row(
        cross_entropy(fits.marginal, Quantity.IMAGE_CROSS_ENTROPY),
        entropy,
        fits.marginal_seconds,
        DECODERS,
    )
    yield row(information(fits.marginal, fits.image), truth, both, DECODERS)
    lower = information(None, fits.image, known_entropy_nats=entropy[0])
    yield row(lower, truth, both, DECODERS_OF_KNOWN_ENTROPY)
    yield row(label_information(evaluation.labels, fits.label), of_label, fits.label_seconds, DECODERS)


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
        seconds = time.monotonic() - start
        yield validation_row(case.name, named, case.information, x.shape[1], seconds)
