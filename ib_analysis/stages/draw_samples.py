"""Draw images from p(x | h) of a few evaluation images, at every tap and epoch of one network."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from decoders.density import Decoder
from decoders.saving import load_decoder
from decoders.training.atomic_file import replacing
from decoders.training.progress import progress
from ib_analysis import spec
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import weights_path
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.encoders.specs.measured_network import MeasuredNetwork
from ib_analysis.figures.samples import Samples, write_samples
from ib_analysis.point import Network, Point
from ib_analysis.provenance import Job


class Spec(MeasuredNetwork):
    """Slice of the experiment."""

    images: int
    draws: int
    sampling_seed: int
    decoder: spec.Described


def run(
    slice_: Spec, job: Job, *, dataset: Artefact, checkpoints: Artefact, decoders: list[Artefact], out: Path
) -> None:
    """Write `out`: originals, and samples of each at every epoch and tap."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    rows = spread_over_classes(data.evaluation.labels, slice_.images)
    network = slice_.network
    drawn: dict[Point, NDArray[np.uint8]] = {}
    label = f"draw {slice_.encoder} {slice_.regime} seed {slice_.seed}"
    for epoch, folder in progress(list(zip(slice_.epochs, decoders, strict=True)), label):
        encoder = load_checkpoint(checkpoints / checkpoint_name(epoch)).encoder.to(device)
        activations = RecomputedActivations(encoder, data.evaluation, device, slice_.precision)
        for tap in slice_.taps:
            decoder = load_decoder(weights_path(folder, "image", tap)).to(device)
            drawn[network.at(epoch, tap)] = draw(
                decoder, activations.rows(tap, rows), slice_.draws, slice_.sampling_seed, device
            )
    with replacing(out) as path:
        write_samples(path, _samples(network, data, rows, drawn))
    job.record(out)


def _samples(
    network: Network, data: Dataset, rows: NDArray[np.int64], drawn: dict[Point, NDArray[np.uint8]]
) -> Samples:
    names = data.header.class_names
    return Samples(
        network=network,
        levels=data.header.levels,
        rows=rows,
        originals=np.asarray(data.evaluation.images[rows]),
        classes=tuple(names[label] for label in data.evaluation.labels[rows]),
        drawn=drawn,
    )


def draw(
    decoder: Decoder, h: torch.Tensor | None, count: int, seed: int, device: torch.device
) -> NDArray[np.uint8]:
    """Samples (count, batch, C, H, W); all taps and epochs use the same noise, so that differences come from h."""
    generator = torch.Generator(device=device).manual_seed(seed)
    with torch.inference_mode():
        return decoder(h).sample(generator, count).to(torch.uint8).cpu().numpy()


def spread_over_classes(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Rows of `count` images, one of each class in turn, the first of each in the order of the part."""
    turns = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        turns[labels == label] = np.arange(np.count_nonzero(labels == label))
    return np.lexsort((labels, turns))[:count]
