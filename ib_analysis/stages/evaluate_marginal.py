"""Nats of every evaluation image under p(x)."""

from pathlib import Path

import numpy as np

from decoders.evaluation import nats_per_example
from decoders.saving import load_decoder
from decoders.training.atomic_file import replacing
from ib_analysis import spec
from ib_analysis.activations.pairs import ImagePairs
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import resolve_device
from ib_analysis.provenance import Job

BATCH = 256


class Spec(spec.Spec):
    """Slice of the experiment."""

    decoder: spec.Described


def run(slice_: Spec, job: Job, *, dataset: Path, decoder: Path, out: Path) -> None:
    """Write `out`: nats per evaluation image, array "x"."""
    device = resolve_device(job.device, job.threads)
    part = open_dataset(dataset.parent).evaluation
    marginal = load_decoder(decoder / "marginal.image.safetensors").to(device)
    nats = nats_per_example(marginal, ImagePairs(part, device), device=device, batch_size=BATCH)
    with replacing(out) as path:
        np.savez(path, x=nats)
    job.record(out)
