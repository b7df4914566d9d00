"""Nats of images under p(x | h) and p(y | h), at every epoch and tap of one network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from decoders.evaluation import class_log_probabilities, nats_per_example
from decoders.pairs import Pairs
from decoders.saving import load_decoder
from decoders.training.progress import progress
from ib_analysis import spec
from ib_analysis.activations.distinct import distinct_values
from ib_analysis.activations.pairs import ImagePairs, LabelPairs, ShareOfPairs, apply_control
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import weights_path
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.encoders.specs.measured_network import MeasuredNetwork
from ib_analysis.information.estimators.code_entropy import code_entropy
from ib_analysis.information.measurement.evaluation import Ceiling, Evaluation, PointNats, write_evaluation
from ib_analysis.information.measurement.parts import Parts, rows_of_decoder_part
from ib_analysis.point import Point
from ib_analysis.provenance import Job
from ib_analysis.variant import Pairing

SHUFFLE_SEED = 0
# H(h) is counted where a value of h has so many images on average: fewer tell more of their number than of H(h).
FEWEST_IMAGES_A_VALUE = 8


class Spec(MeasuredNetwork):
    """Slice of the experiment."""

    variant: str
    decoder: spec.Described
    label_decoder: spec.Described
    pairing: Pairing
    share: float
    holdout: float
    """Share of the decoder part that no fit has seen, which the weights of a mixture are chosen on."""
    decoder_seed: int


@dataclass(frozen=True)
class _Images:
    """Pairs of one tap: of the evaluation part, and of the decoder part as its fit was given them."""

    evaluation: Pairs
    decoder: Pairs
    held: NDArray[np.int64]
    fitted: NDArray[np.int64]
    labels: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    """Of the images of each kind."""

    def parts(self, measure: Callable[[Pairs, NDArray[np.int64] | None], NDArray[np.float64]]) -> Parts:
        """What a function of pairs and rows gives for the images of each kind."""
        return Parts(
            measure(self.evaluation, None),
            measure(self.decoder, self.held),
            measure(self.decoder, self.fitted),
        )


def run(
    slice_: Spec, job: Job, *, dataset: Artefact, checkpoints: Artefact, decoders: list[Artefact], out: Path
) -> None:
    """Write `out`: nats of every evaluation image, and of held-out and fitted ones, for every epoch and tap."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    points: dict[Point, PointNats] = {}
    ceilings: dict[Point, Ceiling] = {}
    network = slice_.network
    label = f"evaluate {slice_.encoder} {slice_.regime} seed {slice_.seed}"
    for epoch, folder in progress(list(zip(slice_.epochs, decoders, strict=True)), label):
        encoder = load_checkpoint(checkpoints / checkpoint_name(epoch)).encoder.to(device)
        of_parts = [
            RecomputedActivations(encoder, part, device, slice_.precision)
            for part in (data.evaluation, data.decoder)
        ]
        for tap in slice_.taps:
            point = network.at(epoch, tap)
            points[point] = _of_point(slice_, folder, tap, of_parts, data.header.labelled, device)
            if (ceiling := _ceiling(of_parts, tap)) is not None:
                ceilings[point] = ceiling
    write_evaluation(out, Evaluation(slice_.variant, network, points, ceilings))
    job.record(out)


def _of_point(
    slice_: Spec,
    folder: Path,
    tap: str,
    of_parts: Sequence[RecomputedActivations],
    labelled: bool,
    device: torch.device,
) -> PointNats:
    image = load_decoder(weights_path(folder, "image", tap)).to(device)
    images = _images(slice_, ImagePairs, tap, of_parts, device)

    def nats(pairs: Pairs, rows: NDArray[np.int64] | None) -> NDArray[np.float64]:
        return nats_per_example(image, pairs, device, rows=rows)

    if not labelled:
        return PointNats(images.parts(nats))
    label = load_decoder(weights_path(folder, "label", tap)).to(device)
    labels = _images(slice_, LabelPairs, tap, of_parts, device)

    def classes(pairs: Pairs, rows: NDArray[np.int64] | None) -> NDArray[np.float64]:
        return class_log_probabilities(label, pairs, device, rows=rows)

    return PointNats.of(images.parts(nats), labels.parts(classes), images.labels)


def _ceiling(of_parts: Sequence[RecomputedActivations], tap: str) -> Ceiling | None:
    """H(h) where h takes few values, counted on the images that decoders are fitted to and evaluated on."""
    most = sum(map(len, of_parts)) // FEWEST_IMAGES_A_VALUE
    values = distinct_values(of_parts, tap, most)
    if values is None:
        return None
    found = code_entropy(values)
    return Ceiling(found.nats, found.stderr_nats)


def _images(
    slice_: Spec,
    kind: type[ImagePairs] | type[LabelPairs],
    tap: str,
    of_parts: Sequence[RecomputedActivations],
    device: torch.device,
) -> _Images:
    evaluation, decoder = (kind(activations.part, device, activations, tap) for activations in of_parts)
    pairs = apply_control(decoder, slice_.pairing, slice_.share, slice_.decoder_seed)
    rows = rows_of_decoder_part(len(pairs), slice_.holdout)
    chosen = pairs.chosen if isinstance(pairs, ShareOfPairs) else np.arange(len(pairs))
    held, fitted = (np.asarray(of_parts[1].part.labels)[chosen[of_kind]] for of_kind in rows)
    labels = (np.asarray(of_parts[0].part.labels), held, fitted)
    return _Images(apply_control(evaluation, slice_.pairing, 1.0, SHUFFLE_SEED), pairs, *rows, labels)
