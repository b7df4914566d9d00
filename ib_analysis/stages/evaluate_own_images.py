"""Nats of images that a network has learned on, at every epoch and tap; they are new to the decoders."""

from collections.abc import Mapping
from pathlib import Path

from decoders.evaluation import nats_per_example
from decoders.saving import load_decoder
from decoders.training.progress import progress
from ib_analysis import spec
from ib_analysis.activations.pairs import ImagePairs, LabelPairs
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import weights_path
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.encoders.specs.measured_network import MeasuredNetwork
from ib_analysis.encoders.training.image_rows import evenly_spaced
from ib_analysis.information.measurement.evaluation import Nats
from ib_analysis.information.measurement.own_images import OwnImages, write_own_images
from ib_analysis.point import Point, Target
from ib_analysis.provenance import Job

PAIRS: Mapping[Target, type[ImagePairs] | type[LabelPairs]] = {"image": ImagePairs, "label": LabelPairs}


class Spec(MeasuredNetwork):
    """Slice of the experiment."""

    variant: str
    decoder: spec.Described
    label_decoder: spec.Described
    images: int
    """At most so many of the encoder part, evenly spaced."""


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    checkpoints: Artefact,
    marginal: Artefact,
    decoders: list[Artefact],
    out: Path,
) -> None:
    """Write `out`: nats per image under p(x), and under the decoders of every epoch and tap."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    part, network = data.encoder, slice_.network
    rows = evenly_spaced(len(part), slice_.images)
    unconditional = load_decoder(weights_path(marginal, "image")).to(device)
    of_images = nats_per_example(unconditional, ImagePairs(part, device), device, rows=rows)
    nats: dict[tuple[Point, Target], Nats] = {}
    label = f"evaluate own images of {slice_.encoder} {slice_.regime} seed {slice_.seed}"
    for epoch, folder in progress(list(zip(slice_.epochs, decoders, strict=True)), label):
        encoder = load_checkpoint(checkpoints / checkpoint_name(epoch)).encoder.to(device)
        activations = RecomputedActivations(encoder, part, device, slice_.precision)
        for tap in slice_.taps:
            for target in data.header.targets:
                decoder = load_decoder(weights_path(folder, target, tap)).to(device)
                pairs = PAIRS[target](part, device, activations, tap)
                nats[network.at(epoch, tap), target] = nats_per_example(decoder, pairs, device, rows=rows)
    write_own_images(out, OwnImages(slice_.variant, network, rows, of_images, nats))
    job.record(out)
