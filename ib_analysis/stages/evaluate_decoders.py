"""Nats of every evaluation image under p(x | h) and p(y | h), at every epoch and tap of one network."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from decoders.evaluation import nats_per_example
from decoders.saving import load_decoder
from decoders.training.progress import progress
from ib_analysis import spec
from ib_analysis.activations.pairs import ImagePairs, LabelPairs, apply_control
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.dataset import Part
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import weights_path
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.information.measurement.evaluation import Evaluation, write_evaluation
from ib_analysis.point import Network, Point, Target
from ib_analysis.provenance import Job
from ib_analysis.variant import Pairing

BATCH = 256
SHUFFLE_SEED = 0


class Spec(spec.Spec):
    """Slice of the experiment."""

    variant: str
    encoder: str
    regime: Regime
    seed: int
    epochs: tuple[int, ...]
    taps: tuple[str, ...]
    architecture: spec.Described
    decoder: spec.Described
    label_decoder: spec.Described
    pairing: Pairing


def run(
    slice_: Spec, job: Job, *, dataset: Artefact, checkpoints: Artefact, decoders: list[Artefact], out: Path
) -> None:
    """Write `out`: nats per evaluation image for every epoch, tap and target."""
    device = resolve_device(job.device, job.threads)
    part = open_dataset(dataset.parent).evaluation
    points: dict[tuple[Point, Target], NDArray[np.float64]] = {}
    network = Network(slice_.encoder, slice_.regime, slice_.seed)
    label = f"evaluate {slice_.encoder} {slice_.regime} seed {slice_.seed}"
    for epoch, folder in progress(list(zip(slice_.epochs, decoders, strict=True)), label):
        encoder = load_checkpoint(checkpoints / checkpoint_name(epoch)).encoder.to(device)
        activations = RecomputedActivations(encoder, part, device)
        for tap in slice_.taps:
            images, labels = _nats(folder, tap, part, activations, device, slice_.pairing)
            point = network.at(epoch, tap)
            points[point, "image"], points[point, "label"] = images, labels
    write_evaluation(out, Evaluation(slice_.variant, network, points))
    job.record(out)


def _nats(
    folder: Path,
    tap: str,
    part: Part,
    activations: RecomputedActivations,
    device: torch.device,
    pairing: Pairing,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    image = load_decoder(weights_path(folder, "image", tap)).to(device)
    label = load_decoder(weights_path(folder, "label", tap)).to(device)
    images = apply_control(ImagePairs(part, device, activations, tap), pairing, 1.0, SHUFFLE_SEED)
    labels = apply_control(LabelPairs(part, device, activations, tap), pairing, 1.0, SHUFFLE_SEED)
    return (
        nats_per_example(image, images, device=device, batch_size=BATCH),
        nats_per_example(label, labels, device=device, batch_size=BATCH),
    )
